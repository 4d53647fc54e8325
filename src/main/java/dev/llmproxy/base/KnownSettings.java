package dev.llmproxy.base;

import java.math.BigDecimal;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The settings by name, with the rule for each value. The records of this package define them; this
 * class collects the definitions for {@link Settings}, doctor and tests.
 */
public final class KnownSettings {
  /** A rule for values. */
  public sealed interface Kind {
    /** The rule, as it continues "it must be". */
    String rule();

    /** The value in its canonical form, e.g. 10 for 010; null when it breaks the rule. */
    String canonical(String value);

    /** Whether the setting may be absent or empty. */
    default boolean mayBeEmpty() {
      return false;
    }

    /** Values for tests: every word, and both ends of a range. */
    List<String> examples();
  }

  /**
   * A whole number.
   *
   * @param min the smallest value
   * @param max the largest value
   * @param unlimited whether the word {@link SettingsReader#UNLIMITED} is a value too
   */
  public record WholeNumber(int min, int max, boolean unlimited) implements Kind {
    @Override
    public String rule() {
      return "a whole number from %d to %d".formatted(min, max)
          + (unlimited ? ", or " + SettingsReader.UNLIMITED : "");
    }

    @Override
    public String canonical(String value) {
      if (unlimited && value.equalsIgnoreCase(SettingsReader.UNLIMITED)) {
        return SettingsReader.UNLIMITED;
      }
      try {
        int number = Integer.parseInt(value);
        return number >= min && number <= max ? Integer.toString(number) : null;
      } catch (NumberFormatException e) {
        return null;
      }
    }

    @Override
    public List<String> examples() {
      List<String> ends = List.of(Integer.toString(min), Integer.toString(max));
      return unlimited ? List.of(ends.get(0), ends.get(1), SettingsReader.UNLIMITED) : ends;
    }
  }

  /** An amount above 0, e.g. 0.50; or unlimited. */
  public record Amount() implements Kind {
    @Override
    public String rule() {
      return "a number above 0, or " + SettingsReader.UNLIMITED;
    }

    @Override
    public String canonical(String value) {
      if (value.equalsIgnoreCase(SettingsReader.UNLIMITED)) {
        return SettingsReader.UNLIMITED;
      }
      try {
        return new BigDecimal(value).signum() > 0 ? value : null;
      } catch (NumberFormatException e) {
        return null;
      }
    }

    /** An empty value means unlimited, as in earlier releases. */
    @Override
    public boolean mayBeEmpty() {
      return true;
    }

    @Override
    public List<String> examples() {
      return List.of("0.5", SettingsReader.UNLIMITED);
    }
  }

  /** One of a few words, in small letters or capitals. */
  public record Words(List<String> words) implements Kind {
    @Override
    public String rule() {
      int last = words.size() - 1;
      return String.join(", ", words.subList(0, last)) + " or " + words.get(last);
    }

    @Override
    public String canonical(String value) {
      return words.stream().filter(value::equalsIgnoreCase).findFirst().orElse(null);
    }

    @Override
    public List<String> examples() {
      return words;
    }
  }

  /** on or off; true, yes, 1, false, no and 0 are accepted too. */
  public record OnOff() implements Kind {
    @Override
    public String rule() {
      return "on or off";
    }

    @Override
    public String canonical(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "on", "true", "yes", "1" -> "on";
        case "off", "false", "no", "0" -> "off";
        default -> null;
      };
    }

    @Override
    public List<String> examples() {
      return List.of("on", "off");
    }
  }

  /** The address of another server. */
  public record WebAddress(boolean mayBeEmpty) implements Kind {
    @Override
    public String rule() {
      return "an address that begins with http:// or https://";
    }

    @Override
    public String canonical(String value) {
      try {
        URI address = new URI(value);
        String scheme = address.getScheme();
        boolean web = "http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme);
        return web && address.getHost() != null ? value : null;
      } catch (URISyntaxException e) {
        return null;
      }
    }

    @Override
    public List<String> examples() {
      return List.of();
    }
  }

  /** Port numbers, separated by commas. */
  public record Ports() implements Kind {
    @Override
    public String rule() {
      return "port numbers from 1 to 65535, separated by commas";
    }

    @Override
    public String canonical(String value) {
      try {
        return list(value).stream().allMatch(port -> port >= 1 && port <= 65_535) ? value : null;
      } catch (NumberFormatException e) {
        return null;
      }
    }

    static Set<Integer> list(String value) {
      return Arrays.stream(value.split(",", -1))
          .map(port -> Integer.valueOf(port.strip()))
          .collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public List<String> examples() {
      return List.of();
    }
  }

  /** A port number; 0 for any free port. It may be absent. */
  public record OptionalPort() implements Kind {
    private static final WholeNumber PORT = new WholeNumber(0, 65_535, false);

    @Override
    public String rule() {
      return PORT.rule();
    }

    @Override
    public String canonical(String value) {
      return PORT.canonical(value);
    }

    @Override
    public boolean mayBeEmpty() {
      return true;
    }

    @Override
    public List<String> examples() {
      return PORT.examples();
    }
  }

  /** Networks of IP addresses, separated by commas. They may be absent. */
  public record NetworkList() implements Kind {
    @Override
    public String rule() {
      return "networks such as 10.0.0.0/8 and fd00::/8, or IP addresses, separated by commas";
    }

    @Override
    public String canonical(String value) {
      try {
        Networks unused = list(value);
        return value;
      } catch (IllegalArgumentException e) {
        return null;
      }
    }

    static Networks list(String value) {
      return Networks.of(Arrays.stream(value.split(",", -1)).map(String::strip).toList());
    }

    @Override
    public boolean mayBeEmpty() {
      return true;
    }

    @Override
    public List<String> examples() {
      return List.of("10.0.0.0/8, fd00::/8", "192.0.2.7");
    }
  }

  /** Any text. The part that uses it checks it further. */
  public record Text(boolean mayBeEmpty) implements Kind {
    @Override
    public String rule() {
      return "set";
    }

    @Override
    public String canonical(String value) {
      return value;
    }

    @Override
    public List<String> examples() {
      return List.of();
    }
  }

  private static final Map<String, Setting> SETTINGS = SettingsReader.definitions();

  private KnownSettings() {}

  /**
   * A setting.
   *
   * @param kind the rule for its value
   * @param environmentAlone whether only the environment can set it, because the log starts before
   *     application.properties is read
   */
  public record Setting(Kind kind, boolean environmentAlone) {}

  /** Every setting by its name. */
  public static Map<String, Setting> all() {
    return SETTINGS;
  }

  /** The canonical value; unchanged when the setting is unknown or the value is wrong. */
  static String canonical(String name, String value) {
    Setting setting = SETTINGS.get(name);
    String canonical = setting == null || value.isEmpty() ? null : setting.kind().canonical(value);
    return canonical == null ? value : canonical;
  }
}
