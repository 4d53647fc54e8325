package dev.llmproxy.base;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Reads typed values. Each call defines a setting: its name, type, unit and range. The default and
 * the documentation of a setting are in application.properties. A wrong value is noted and replaced
 * by a valid one, so that {@link #problems} lists all of them.
 */
public final class SettingsReader {
  /** The value that switches a limit off. */
  public static final String UNLIMITED = "unlimited";

  private static final int DAY_SECONDS = 86_400;
  private static final int KILOBYTE = 1 << 10;
  private static final long MEGABYTE = 1 << 20;

  /** Null to collect the definitions only. */
  private final Settings settings;

  private final Map<String, KnownSettings.Setting> definitions = new TreeMap<>();
  private final Map<String, String> problems = new TreeMap<>();

  SettingsReader(Settings settings) {
    this.settings = settings;
  }

  /** The definitions of all settings, by name. */
  static Map<String, KnownSettings.Setting> definitions() {
    SettingsReader reader = new SettingsReader(null);
    AllSettings.read(reader);
    return Collections.unmodifiableMap(reader.definitions);
  }

  /** A sentence for each wrong value, by the setting's name. */
  Map<String, String> problems() {
    return problems;
  }

  /** A whole number. */
  int number(String name, int min, int max) {
    String value = value(name, new KnownSettings.WholeNumber(min, max, false));
    return value == null ? min : Integer.parseInt(value);
  }

  /** A limit; empty when it is unlimited. */
  OptionalInt limit(String name, int min, int max) {
    String value = value(name, new KnownSettings.WholeNumber(min, max, true));
    return value == null || value.equals(UNLIMITED)
        ? OptionalInt.empty()
        : OptionalInt.of(Integer.parseInt(value));
  }

  /** The limits of all tiers by the setting's name. The setting of the tier free must be set. */
  Map<String, OptionalInt> tierLimits(String prefix, int min, int max) {
    Map<String, OptionalInt> limits = new TreeMap<>();
    String free = prefix + "FREE";
    limits.put(free, limit(free, min, max));
    if (settings != null) {
      for (String name : settings.asMap().keySet()) {
        if (name.startsWith(prefix) && settings.find(name).isPresent()) {
          limits.put(name, limit(name, min, max));
        }
      }
    }
    return Map.copyOf(limits);
  }

  /** A number of seconds from 1 to a day. */
  Duration seconds(String name) {
    return seconds(name, 1, DAY_SECONDS);
  }

  Duration seconds(String name, int min, int max) {
    return Duration.ofSeconds(number(name, min, max));
  }

  /** A number of seconds from 1 to a day; empty when it is unlimited. */
  Optional<Duration> secondsOrUnlimited(String name) {
    OptionalInt seconds = limit(name, 1, DAY_SECONDS);
    return seconds.isEmpty()
        ? Optional.empty()
        : Optional.of(Duration.ofSeconds(seconds.getAsInt()));
  }

  /** A number of hours; empty for 0. */
  Optional<Duration> hoursOrNone(String name, int max) {
    int hours = number(name, 0, max);
    return hours == 0 ? Optional.empty() : Optional.of(Duration.ofHours(hours));
  }

  /** A number of days; empty for unlimited and for 0, which means the same. */
  Optional<Duration> daysOrUnlimited(String name, int max) {
    OptionalInt days = limit(name, 0, max);
    return days.isEmpty() || days.getAsInt() == 0
        ? Optional.empty()
        : Optional.of(Duration.ofDays(days.getAsInt()));
  }

  /** A number of megabytes, as bytes. */
  long megabytes(String name, int min, int max) {
    return number(name, min, max) * MEGABYTE;
  }

  /** A number of kilobytes, as bytes. */
  int kilobytes(String name, int min, int max) {
    return number(name, min, max) * KILOBYTE;
  }

  /** An amount above 0; empty when it is unlimited. */
  Optional<BigDecimal> amountOrUnlimited(String name) {
    return Optional.ofNullable(value(name, new KnownSettings.Amount()))
        .filter(value -> !value.equals(UNLIMITED))
        .map(BigDecimal::new);
  }

  boolean on(String name) {
    return "on".equals(value(name, new KnownSettings.OnOff()));
  }

  /** One of the words. */
  String word(String name, String... words) {
    String value = value(name, new KnownSettings.Words(List.of(words)));
    return value == null ? words[0] : value;
  }

  /** Defines a setting that is one of the words and that only the environment can set. */
  void environmentWord(String name, String... words) {
    read(name, new KnownSettings.Setting(new KnownSettings.Words(List.of(words)), true));
  }

  String text(String name) {
    return Optional.ofNullable(value(name, new KnownSettings.Text(false))).orElse("");
  }

  Optional<String> optionalText(String name) {
    return Optional.ofNullable(value(name, new KnownSettings.Text(true)));
  }

  /** Texts separated by commas; empty when the setting is not set. */
  List<String> list(String name) {
    return optionalText(name)
        .map(value -> Arrays.stream(value.split(",")).map(String::strip))
        .orElse(Stream.of())
        .filter(entry -> !entry.isEmpty())
        .toList();
  }

  /** The folder with application.properties; the current one when only definitions are read. */
  Path home() {
    return settings == null ? Path.of("") : settings.home();
  }

  /**
   * Names of files separated by commas, each once.
   *
   * @param folder where the files are
   * @param suffix the end of the files' names, which the setting leaves out
   */
  List<String> names(String name, Path folder, String suffix) {
    List<String> names = list(name).stream().distinct().toList();
    if (names.isEmpty()) {
      return names;
    }
    List<String> there = namesIn(folder, suffix);
    List<String> unknown = names.stream().filter(each -> !there.contains(each)).toList();
    if (!unknown.isEmpty()) {
      problems.put(
          name,
          "%s names %s, which %s not in %s (%s). There %s"
              .formatted(
                  name,
                  String.join(", ", unknown),
                  unknown.size() == 1 ? "is" : "are",
                  folder,
                  settings.where(name),
                  there.isEmpty() ? "is nothing" : "are: " + String.join(", ", there)));
    }
    return names.stream().filter(there::contains).toList();
  }

  /** The names of a folder's files that end with the suffix, without it, sorted. */
  static List<String> namesIn(Path folder, String suffix) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(suffix))
          .map(file -> file.substring(0, file.length() - suffix.length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new Settings.SettingException(
          "cannot read the folder " + folder + ": " + e.getMessage());
    }
  }

  /** Notes a problem for each setting that is not set although its optional route is on. */
  void neededBy(String route, String... names) {
    if (settings == null || !list("OPTIONAL_ROUTES").contains(route)) {
      return;
    }
    for (String name : names) {
      if (settings.find(name).isEmpty()) {
        problems.putIfAbsent(
            name, "%s is not set; the optional route %s needs it".formatted(name, route));
      }
    }
  }

  /** Ports separated by commas. */
  Set<Integer> ports(String name) {
    String value = value(name, new KnownSettings.Ports());
    return value == null ? Set.of() : KnownSettings.Ports.list(value);
  }

  /** A port, or 0 for any free one; empty when the setting is not set. */
  OptionalInt optionalPort(String name) {
    String value = value(name, new KnownSettings.OptionalPort());
    return value == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(value));
  }

  /** Networks of IP addresses, separated by commas. */
  Networks networks(String name) {
    String value = value(name, new KnownSettings.NetworkList());
    return value == null ? Networks.of(List.of()) : KnownSettings.NetworkList.list(value);
  }

  /** An http or https address. */
  String address(String name) {
    return Optional.ofNullable(value(name, new KnownSettings.WebAddress(false))).orElse("");
  }

  Optional<String> optionalAddress(String name) {
    return Optional.ofNullable(value(name, new KnownSettings.WebAddress(true)));
  }

  /** A file or folder as an absolute path; a relative path starts at the home folder. */
  Path path(String name) {
    String value = value(name, new KnownSettings.Text(false));
    return value == null ? Path.of("") : settings.home().resolve(value).normalize();
  }

  /** As {@link #path}; empty when the setting is not set. */
  Optional<Path> optionalPath(String name) {
    return optionalText(name).map(value -> settings.home().resolve(value).normalize());
  }

  /** Demands that both settings are set, or none. */
  void together(String one, String other) {
    if (settings != null && settings.find(one).isPresent() != settings.find(other).isPresent()) {
      String there = settings.find(one).isPresent() ? one : other;
      problems.put(
          there,
          "%s is set and %s is not; set both or none (%s)"
              .formatted(there, there.equals(one) ? other : one, settings.where(there)));
    }
  }

  private String value(String name, KnownSettings.Kind kind) {
    return read(name, new KnownSettings.Setting(kind, false));
  }

  /** The canonical value; null when it is absent or wrong. */
  private String read(String name, KnownSettings.Setting setting) {
    definitions.put(name, setting);
    if (settings == null) {
      return null;
    }
    KnownSettings.Kind kind = setting.kind();
    String value = settings.find(name).orElse(null);
    if (value == null) {
      if (!kind.mayBeEmpty() && !setting.environmentAlone()) {
        problems.put(name, settings.absent(name));
      }
      return null;
    }
    String canonical = kind.canonical(value);
    if (canonical == null) {
      problems.put(
          name,
          "%s is \"%s\"; it must be %s (%s)"
              .formatted(name, value, kind.rule(), settings.where(name)));
    }
    return canonical;
  }

  /**
   * Checks that every value read so far is valid.
   *
   * @throws Settings.SettingException when a value is wrong; it lists every problem
   */
  void demandNoProblems() {
    if (!problems.isEmpty()) {
      throw new Settings.SettingException(new ArrayList<>(problems.values()));
    }
  }
}
