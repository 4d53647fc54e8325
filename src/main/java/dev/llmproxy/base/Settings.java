package dev.llmproxy.base;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What an operator may set, by the names that application.properties documents. The environment
 * beats the file; an empty value is the same as none.
 */
public final class Settings {
  private final Path home;
  private final Map<String, String> values;
  private final Set<String> rewritten;

  private Settings(Path home, Map<String, String> values, Set<String> rewritten) {
    this.home = home;
    this.values = Collections.unmodifiableMap(new TreeMap<>(values));
    this.rewritten = rewritten;
  }

  /**
   * Reads {@code home/application.properties} and the environment.
   *
   * @param home the folder that holds application.properties, routes/ and providers/
   * @throws SettingException when the file cannot be read
   */
  public static Settings load(Path home) {
    return load(home, System.getenv());
  }

  /** As {@link #load(Path)} with the given environment in place of the process's own. */
  public static Settings load(Path home, Map<String, String> environment) {
    Properties file = new Properties();
    Path path = home.resolve("application.properties");
    try (Reader reader = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
      file.load(reader);
    } catch (IOException e) {
      throw new SettingException("cannot read " + path.toAbsolutePath() + ": " + e.getMessage());
    }
    Map<String, String> values = new TreeMap<>();
    file.stringPropertyNames().stream()
        .filter(name -> !name.startsWith("camel."))
        .forEach(name -> values.put(name, file.getProperty(name)));
    environment.forEach((name, value) -> {
      if (!value.isBlank()) {
        values.put(name, value);
      }
    });
    // Routes put values together with other text: {{KEYS_REFRESH_SECONDS}}000.
    Set<String> rewritten = new TreeSet<>();
    values.replaceAll((name, value) -> {
      String canonical = KnownSettings.canonical(name, value.strip());
      if (!canonical.equals(value)) {
        rewritten.add(name);
      }
      return canonical;
    });
    return new Settings(home.toAbsolutePath().normalize(), values, rewritten);
  }

  /** These settings with one of them changed. */
  public Settings with(String name, String value) {
    Map<String, String> changed = new TreeMap<>(values);
    changed.put(name, value);
    return new Settings(home, changed, rewritten);
  }

  /** The folder given by the system property {@code llmproxy.home}, else the current one. */
  public static Path defaultHome() {
    return Path.of(System.getProperty("llmproxy.home", "")).toAbsolutePath().normalize();
  }

  /** The folder that holds application.properties, routes/ and providers/; absolute. */
  public Path home() {
    return home;
  }

  /** The value, or empty when it is absent or blank. */
  public Optional<String> find(String name) {
    return Optional.ofNullable(values.get(name))
        .map(String::strip)
        .filter(value -> !value.isEmpty());
  }

  /**
   * The value of a setting that must be there.
   *
   * @throws SettingException when it is absent or blank
   */
  public String text(String name) {
    return find(name)
        .orElseThrow(() ->
            new SettingException(name + " is not set; application.properties has its default"));
  }

  /**
   * A whole number within the range that {@link KnownSettings} gives it.
   *
   * @throws SettingException when it is absent, no number, or outside the range
   */
  public int integer(String name) {
    KnownSettings.WholeNumber range = KnownSettings.range(name);
    return integer(name, range.least(), range.most());
  }

  /**
   * A whole number whose name is not known beforehand, e.g. the limit of a tier.
   *
   * @throws SettingException when it is no number or outside {@code least..most}
   */
  public int integer(String name, int least, int most) {
    String value = text(name);
    try {
      int number = Integer.parseInt(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // The message below serves both cases.
    }
    throw new SettingException(
        "%s is \"%s\"; it must be a whole number from %d to %d"
            .formatted(name, value, least, most));
  }

  /** The name of a tier's setting, e.g. {@code RATE_LIMIT_PRO_PLUS} for "pro plus". */
  public static String ofTier(String prefix, String tier) {
    return prefix + tier.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]+", "_");
  }

  /** A number of seconds; see {@link #integer(String)}. */
  public Duration seconds(String name) {
    return Duration.ofSeconds(integer(name));
  }

  /**
   * Whether the value is on, true, yes or 1.
   *
   * @throws SettingException when it is none of these, nor off, false, no or 0
   */
  public boolean on(String name) {
    String value = text(name);
    KnownSettings.Kind kind = new KnownSettings.OnOff();
    String word = kind.canonical(value);
    if (word == null) {
      throw wrong(name, value, kind);
    }
    return word.equals("on");
  }

  /**
   * What is wrong with the values of the {@link KnownSettings}: a sentence for each that is not
   * what it must be, or is absent and must not be, by its name.
   */
  public Map<String, String> wrongValues() {
    Map<String, String> wrong = new TreeMap<>();
    KnownSettings.all()
        .forEach((name, setting) -> {
          try {
            check(name, setting);
          } catch (SettingException e) {
            wrong.put(name, e.getMessage());
          }
        });
    return wrong;
  }

  private void check(String name, KnownSettings.Setting setting) {
    KnownSettings.Kind kind = setting.kind();
    String value = find(name).orElse(null);
    if (value == null && !kind.mayBeEmpty() && !setting.environmentAlone()) {
      text(name);
    } else if (value != null && kind.canonical(value) == null) {
      throw wrong(name, value, kind);
    }
  }

  /**
   * Checks every value, for a start under Camel's own main: what it puts into routes is a number as
   * somebody has typed it, not as {@link #integer} reads it.
   *
   * @throws SettingException that names each value that is wrong, or has a space beside a number
   */
  public void checkForCamelsMain() {
    Map<String, String> wrong = wrongValues();
    for (String name : rewritten) {
      KnownSettings.Setting setting = KnownSettings.all().get(name);
      if (setting != null && setting.kind() instanceof KnownSettings.WholeNumber) {
        wrong.putIfAbsent(
            name,
            "%s must be written as %s, without spaces or other signs".formatted(name, text(name)));
      }
    }
    if (!wrong.isEmpty()) {
      throw new SettingException(String.join("; ", wrong.values()));
    }
  }

  private static SettingException wrong(String name, String value, KnownSettings.Kind kind) {
    return new SettingException("%s is \"%s\"; it must be %s".formatted(name, value, kind.rule()));
  }

  /**
   * A folder or file; a relative one is taken from {@link #home}, so that the server and every
   * command mean the same, wherever they are called from.
   */
  public Path path(String name) {
    return home.resolve(text(name)).normalize();
  }

  /** The names that application.properties declares or the environment gives, with their values. */
  public Map<String, String> asMap() {
    return values;
  }

  /** A setting that is missing or wrong; the message names it and says what it must be. */
  public static final class SettingException extends RuntimeException {
    public SettingException(String message) {
      super(message);
    }
  }
}
