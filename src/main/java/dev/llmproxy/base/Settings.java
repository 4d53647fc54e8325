package dev.llmproxy.base;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The operator's settings, with the names that application.properties documents. The environment
 * overrides the file. An empty value means that the setting is not set. {@code NAME_FILE} names a
 * file with the value of NAME.
 */
public final class Settings {
  private static final String FILE = "application.properties";

  /** An entry that continues on the next line: no comment, with an odd number of \ at its end. */
  private static final Pattern CONTINUED =
      Pattern.compile("^(?!\\s*[#!]).*(?<!\\\\)(?:\\\\\\\\)*\\\\$", Pattern.DOTALL);

  private final Path home;
  private final Map<String, String> values;
  private final Map<String, String> sources;
  private final Set<String> rewritten;

  /** What {@link #reread} uses again. */
  private final Map<String, String> environment;

  private final Map<String, String> given;

  private Settings(
      Path home,
      Map<String, String> values,
      Map<String, String> sources,
      Set<String> rewritten,
      Map<String, String> environment,
      Map<String, String> given) {
    this.environment = environment;
    this.given = given;
    this.home = home;
    this.values = Collections.unmodifiableMap(new TreeMap<>(values));
    this.sources = sources;
    this.rewritten = rewritten;
  }

  /**
   * Reads {@code home/application.properties} and the environment.
   *
   * @param home the folder with application.properties, routes/ and providers/
   * @throws SettingException when the file, or one that a setting names, cannot be read
   */
  public static Settings load(Path home) {
    return load(home, System.getenv());
  }

  /** As {@link #load(Path)}, with the given environment instead of the process's own. */
  public static Settings load(Path home, Map<String, String> environment) {
    Path path = home.resolve(FILE);
    Map<String, String> values = new TreeMap<>();
    Map<String, String> sources = new TreeMap<>();
    try {
      readFile(path, values, sources);
    } catch (IOException e) {
      throw new SettingException("cannot read " + path.toAbsolutePath() + ": " + e.getMessage());
    }
    SecretFiles files = new SecretFiles(home.toAbsolutePath());
    put(files.read(Map.copyOf(values), FILE), "a file named in " + FILE, values, sources);
    put(environment, "environment", values, sources);
    put(files.read(environment, "environment"), "a file named in the environment", values, sources);
    files.demandNoProblems();
    // Routes append text to values: {{KEYS_REFRESH_SECONDS}}000.
    Set<String> rewritten = new TreeSet<>();
    values.replaceAll((name, value) -> {
      String canonical = KnownSettings.canonical(name, value.strip());
      if (!canonical.equals(value)) {
        rewritten.add(name);
      }
      return canonical;
    });
    return new Settings(
        home.toAbsolutePath().normalize(), values, sources, rewritten, environment, Map.of());
  }

  private static void put(
      Map<String, String> added,
      String source,
      Map<String, String> values,
      Map<String, String> sources) {
    added.forEach((name, value) -> {
      if (!value.isBlank()) {
        values.put(name, value);
        sources.put(name, source);
      }
    });
  }

  /** Reads entry by entry, because Properties has no line numbers. */
  private static void readFile(Path path, Map<String, String> values, Map<String, String> sources)
      throws IOException {
    List<String> lines = Files.readAllLines(path, StandardCharsets.UTF_8);
    for (int next = 0; next < lines.size(); ) {
      int first = next;
      StringBuilder entry = new StringBuilder(lines.get(next++));
      while (CONTINUED.matcher(entry).find() && next < lines.size()) {
        entry.append('\n').append(lines.get(next++));
      }
      Properties properties = new Properties();
      properties.load(new StringReader(entry.toString()));
      for (String name : properties.stringPropertyNames()) {
        if (!name.startsWith("camel.")) {
          values.put(name, properties.getProperty(name));
          sources.put(name, "%s, line %d".formatted(FILE, first + 1));
        }
      }
    }
  }

  /** These settings with one of them changed. */
  public Settings with(String name, String value) {
    Map<String, String> changed = new TreeMap<>(values);
    changed.put(name, value);
    Map<String, String> changedSources = new TreeMap<>(sources);
    changedSources.put(name, "command line");
    Map<String, String> changedGiven = new TreeMap<>(given);
    changedGiven.put(name, value);
    return new Settings(home, changed, changedSources, rewritten, environment, changedGiven);
  }

  /**
   * Reads application.properties again. The environment and the command line are those of the
   * start.
   *
   * @throws SettingException when the file cannot be read
   */
  public Settings reread() {
    Settings again = load(home, environment);
    for (Map.Entry<String, String> each : given.entrySet()) {
      again = again.with(each.getKey(), each.getValue());
    }
    return again;
  }

  /** These settings with the values that other settings have for some names. */
  public Settings keeping(Settings other, Set<String> names) {
    Map<String, String> kept = new TreeMap<>(values);
    Map<String, String> keptSources = new TreeMap<>(sources);
    for (String name : names) {
      kept.remove(name);
      keptSources.remove(name);
      if (other.values.containsKey(name)) {
        kept.put(name, other.values.get(name));
        keptSources.put(name, other.sources.get(name));
      }
    }
    return new Settings(home, kept, keptSources, rewritten, environment, given);
  }

  /** The folder of the system property {@code llmproxy.home}, else the current folder. */
  public static Path defaultHome() {
    return Path.of(System.getProperty("llmproxy.home", "")).toAbsolutePath().normalize();
  }

  /** The folder with application.properties, routes/ and providers/; absolute. */
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
   * The value of a setting that must be set.
   *
   * @throws SettingException when it is absent or blank
   */
  public String text(String name) {
    return find(name).orElseThrow(() -> new SettingException(absent(name)));
  }

  /**
   * The source of the value: a line of application.properties, the environment, or the command
   * line.
   */
  public String where(String name) {
    return sources.getOrDefault(name, "not set");
  }

  String absent(String name) {
    return name + " is not set; application.properties has its default";
  }

  /**
   * Reads a record of settings.
   *
   * @throws SettingException that lists every wrong value
   */
  <T> T read(Function<SettingsReader, T> record) {
    SettingsReader reader = new SettingsReader(this);
    T value = record.apply(reader);
    reader.demandNoProblems();
    return value;
  }

  /** Whether {@code name} gives the file with the value of another setting: OPENAI_API_KEY_FILE. */
  public boolean isFileOfSetting(String name) {
    return SecretFiles.settingOf(home, name).isPresent();
  }

  /** The name of a tier's setting, e.g. {@code RATE_LIMIT_PRO_PLUS} for "pro plus". */
  public static String ofTier(String prefix, String tier) {
    return prefix + tier.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]+", "_");
  }

  /** A sentence for each wrong value, by the setting's name. */
  public Map<String, String> wrongValues() {
    SettingsReader reader = new SettingsReader(this);
    AllSettings.read(reader);
    return reader.problems();
  }

  /**
   * Checks every value for {@code camel run}, which inserts numbers into routes as they are typed.
   *
   * @throws SettingException that lists each value that is wrong or has a space beside a number
   */
  public void checkForCamelsMain() {
    Map<String, String> wrong = wrongValues();
    for (String name : rewritten) {
      KnownSettings.Setting setting = KnownSettings.all().get(name);
      if (setting != null && setting.kind() instanceof KnownSettings.WholeNumber) {
        wrong.putIfAbsent(
            name,
            "%s must be written as %s, without spaces or other characters (%s)"
                .formatted(name, text(name), where(name)));
      }
    }
    if (!wrong.isEmpty()) {
      throw new SettingException(List.copyOf(wrong.values()));
    }
  }

  /**
   * The folder or file that a setting names. A relative path starts at {@link #home}, so that the
   * server and all commands use the same one from every working directory.
   */
  public Path path(String name) {
    return home.resolve(text(name)).normalize();
  }

  /** All names of application.properties and the environment, with their values. */
  public Map<String, String> asMap() {
    return values;
  }

  /** A setting is missing or wrong. The message contains its name and the rule for its value. */
  public static final class SettingException extends RuntimeException {
    private final List<String> problems;

    public SettingException(String message) {
      this(List.of(message));
    }

    /**
     * @param problems a sentence for each problem; each becomes a line of the message
     */
    public SettingException(List<String> problems) {
      super(String.join("\n", problems));
      this.problems = List.copyOf(problems);
    }

    /** The sentences of the message. */
    public List<String> problems() {
      return problems;
    }
  }
}
