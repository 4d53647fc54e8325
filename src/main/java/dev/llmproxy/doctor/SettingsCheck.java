package dev.llmproxy.doctor;

import dev.llmproxy.admin.AdminParts;
import dev.llmproxy.base.AdminSettings;
import dev.llmproxy.base.RouteSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SignInSettings;
import dev.llmproxy.chat.ToolOffer;
import dev.llmproxy.gate.AllowedUsers;
import dev.llmproxy.gate.GoogleIdTokens;
import dev.llmproxy.mcp.McpServersFile;
import dev.llmproxy.provider.ForwardProxy;
import dev.llmproxy.tool.DocumentIndex;
import dev.llmproxy.tool.TierTools;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Checks that each name in application.properties is known and each value is valid. The known names
 * are those of the application.properties in the product's JAR, and the keys and base URLs of
 * providers.
 */
public final class SettingsCheck {
  private static final String CHECK = "settings";
  private static final int ALIKE = 2;

  /** Names of settings in providers' files, such as HF_TOKEN. */
  private static final Pattern PROVIDER_SETTING =
      Pattern.compile("\\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\\b");

  private static final Pattern TOOL_ROUTE =
      Pattern.compile("^\\s*id: *[\"']?tool-([\\w-]+)", Pattern.MULTILINE);

  private final Settings settings;
  private final Properties shipped = shipped();

  public SettingsCheck(Settings settings) {
    this.settings = settings;
  }

  List<Finding> run() {
    List<Finding> findings = new ArrayList<>();
    Set<String> known = knownNames();
    for (String name : new TreeSet<>(ownProperties().stringPropertyNames())) {
      if (!name.startsWith("camel.") && !settings.isFileOfSetting(name)) {
        checkName(findings, known, name);
      }
    }
    findings.addAll(values());
    if (settings.find(AllowedUsers.SETTING).isPresent()
        && settings.find(GoogleIdTokens.CLIENT_ID).isEmpty()
        && settings.find("OIDC_ISSUER").isEmpty()) {
      findings.add(
          Finding.warning(
              CHECK,
              AllowedUsers.SETTING + " has no effect, because sign-in is off",
              "Set " + GoogleIdTokens.CLIENT_ID));
    }
    checkDocuments(findings);
    checkTools(findings);
    return findings.isEmpty()
        ? List.of(Finding.ok(CHECK, "all settings are known and valid"))
        : findings;
  }

  /** A sentence for each wrong value; each begins with the name of the setting. */
  public List<String> problems() {
    return values().stream().map(Finding::what).toList();
  }

  /** The settings with the default, or none, in place of each wrong value. */
  public Settings corrected() {
    Settings corrected = settings;
    for (String problem : problems()) {
      String name = problem.split("[ :]", 2)[0];
      corrected = corrected.with(name, shipped.getProperty(name, "").strip());
      String inCapitals = name.toUpperCase(Locale.ROOT);
      if (!inCapitals.equals(name)) {
        // The name of a proxy, which has two forms.
        corrected = corrected.with(inCapitals, "");
      }
    }
    return corrected;
  }

  /**
   * Refuses wrong values.
   *
   * @throws Settings.SettingException that lists every wrong value
   */
  public void requireValidValues() {
    List<Finding> wrong = values();
    if (!wrong.isEmpty()) {
      throw new Settings.SettingException(wrong.stream().map(Finding::what).toList());
    }
  }

  private List<Finding> values() {
    List<Finding> findings = new ArrayList<>();
    settings.wrongValues().forEach((name, why) -> findings.add(problem(name, why)));
    addProblem(findings, () -> new GoogleIdTokens(SignInSettings.of(settings), Clock.systemUTC()));
    addProblem(findings, () -> new AllowedUsers(SignInSettings.of(settings)));
    addProblem(
        findings,
        () ->
            AdminParts.check(AdminSettings.of(settings), SignInSettings.of(settings).clientIds()));
    addProblem(findings, () -> McpServersFile.check(settings));
    addProblem(findings, () -> new ForwardProxy(settings));
    return findings;
  }

  /**
   * Adds the problem that a part of the server would report at its start. Its message begins with
   * the name of a setting. A setting that already has a problem gets no second one.
   */
  private void addProblem(List<Finding> findings, Runnable part) {
    try {
      part.run();
    } catch (Settings.SettingException | IllegalArgumentException e) {
      String name = String.valueOf(e.getMessage()).split(" ", 2)[0];
      if (findings.stream().noneMatch(finding -> finding.what().startsWith(name + " "))) {
        String what =
            settings.find(name).isPresent()
                ? "%s (%s)".formatted(e.getMessage(), settings.where(name))
                : e.getMessage();
        findings.add(Finding.problem(CHECK, what, "Correct it"));
      }
    }
  }

  private static void checkName(List<Finding> findings, Set<String> known, String name) {
    if (known.contains(name)) {
      return;
    }
    String meant =
        known.stream().filter(other -> distance(name, other) <= ALIKE).findFirst().orElse(null);
    boolean tier = name.startsWith("RATE_LIMIT_");
    if ((tier && meant == null) || name.startsWith(TierTools.PREFIX)) {
      return;
    }
    String what =
        tier ? name + " would be the limit of a tier of that name" : name + " is not a setting";
    String remedy =
        meant == null
            ? "Remove it from application.properties"
            : "If you mean " + meant + ", correct it in application.properties";
    findings.add(
        tier ? Finding.warning(CHECK, what, remedy) : Finding.problem(CHECK, what, remedy));
  }

  private Finding problem(String name, String why) {
    String standard = shipped.getProperty(name, "").strip();
    return Finding.problem(
        CHECK,
        why,
        standard.isEmpty() ? "Correct it, or leave it empty" : "Its default is " + standard);
  }

  private void checkDocuments(List<Finding> findings) {
    DocumentIndex.folder(settings)
        .filter(folder -> !Files.isDirectory(folder))
        .ifPresent(folder ->
            findings.add(
                Finding.warning(
                    CHECK,
                    DocumentIndex.SETTING + " names a folder that does not exist: " + folder,
                    "Correct it, or leave it empty")));
  }

  /** Warns of tools that do not exist: the tier's chats run without them. */
  private void checkTools(List<Finding> findings) {
    // The tools of MCP servers are known only while these are connected.
    if (settings.find("MCP_SERVERS").isPresent()) {
      return;
    }
    Set<String> there = toolNames();
    Set<String> found = new TreeSet<>(there);
    found.addAll(ToolOffer.ALSO_WEB_SEARCH);
    for (String setting : new TreeSet<>(settings.asMap().keySet())) {
      if (!setting.startsWith(TierTools.PREFIX)) {
        continue;
      }
      for (String tool : TierTools.names(settings, setting)) {
        if (!found.contains(tool)) {
          findings.add(
              Finding.warning(
                  CHECK,
                  "%s names the tool %s, which is not in routes/".formatted(setting, tool),
                  "The tools in routes/ are: " + String.join(", ", there)));
        }
      }
    }
  }

  private Set<String> toolNames() {
    Set<String> names = new TreeSet<>();
    List<Path> files = new ArrayList<>(filesIn("routes"));
    RouteSettings routes = RouteSettings.of(settings);
    routes
        .optional()
        .forEach(name -> files.add(routes.optionalFolder().resolve(name + RouteSettings.SUFFIX)));
    for (Path file : files) {
      Matcher route = TOOL_ROUTE.matcher(read(file));
      while (route.find()) {
        names.add(route.group(1).replace('-', '_'));
      }
    }
    return names;
  }

  private Set<String> knownNames() {
    Set<String> known = new TreeSet<>(shipped.stringPropertyNames());
    for (Path file : filesIn("providers")) {
      if (!file.toString().endsWith(".yaml")) {
        continue;
      }
      PROVIDER_SETTING.matcher(read(file)).results().forEach(each -> known.add(each.group(1)));
      String provider =
          file.getFileName()
              .toString()
              .replaceFirst("\\.yaml$", "")
              .toUpperCase(Locale.ROOT)
              .replace('-', '_');
      known.add(provider + "_API_KEY");
      known.add(provider + "_BASE_URL");
    }
    return known;
  }

  private List<Path> filesIn(String folder) {
    Path path = settings.home().resolve(folder);
    try (Stream<Path> files = Files.list(path)) {
      return files.filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw new Settings.SettingException("cannot read the folder " + path + ": " + e.getMessage());
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new Settings.SettingException("cannot read " + file + ": " + e.getMessage());
    }
  }

  private Properties ownProperties() {
    Path file = settings.home().resolve("application.properties");
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      Properties properties = new Properties();
      properties.load(reader);
      return properties;
    } catch (IOException e) {
      throw new Settings.SettingException("cannot read " + file + ": " + e.getMessage());
    }
  }

  private static Properties shipped() {
    try (InputStream in =
        SettingsCheck.class.getResourceAsStream("/dev/llmproxy/settings/application.properties")) {
      Properties properties = new Properties();
      properties.load(new InputStreamReader(in, StandardCharsets.UTF_8));
      properties.keySet().removeIf(name -> name.toString().startsWith("camel."));
      return properties;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The edit distance (Levenshtein): the number of different, missing and additional characters.
   */
  static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int change = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[other.length()];
  }
}
