package dev.llmproxy;

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
import java.util.TreeMap;

/**
 * What an operator may set, by the names that application.properties documents. The environment
 * beats the file; an empty value is the same as none.
 */
public final class Settings {
  private final Path home;
  private final Map<String, String> values;

  private Settings(Path home, Map<String, String> values) {
    this.home = home;
    this.values = Collections.unmodifiableMap(new TreeMap<>(values));
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
        .forEach(name -> values.put(name, file.getProperty(name).strip()));
    environment.forEach((name, value) -> {
      if (!value.isBlank()) {
        values.put(name, value);
      }
    });
    return new Settings(home.toAbsolutePath().normalize(), values);
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
   * A whole number.
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

  /** A number of seconds, from 0 to a day. */
  public Duration seconds(String name) {
    return Duration.ofSeconds(integer(name, 0, 86_400));
  }

  /**
   * True unless the value is off, false, no or 0; any other word but on, true, yes and 1 is an
   * error.
   */
  public boolean on(String name) {
    String value = text(name).toLowerCase(Locale.ROOT);
    return switch (value) {
      case "on", "true", "yes", "1" -> true;
      case "off", "false", "no", "0" -> false;
      default ->
          throw new SettingException("%s is \"%s\"; it must be on or off".formatted(name, value));
    };
  }

  /** A folder or file; a relative one is taken from the current folder. */
  public Path path(String name) {
    return Path.of(text(name)).toAbsolutePath().normalize();
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
