package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.emulator.GoogleStandIn;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * The commands and settings of docs/google-sheets.md exist, and its command lines work with a
 * stand-in for Google.
 */
class GoogleSheetsPageTest {
  private static final Pattern COMMAND =
      Pattern.compile("^\\./llmproxy ([^#\\n]+)", Pattern.MULTILINE);
  private static final Pattern SETTING = Pattern.compile("\\b[A-Z]+(?:_[A-Z]+)+\\b");

  @TempDir private Path folder;
  private GoogleStandIn google;
  private final Map<String, String> environment = new HashMap<>();
  private String out;
  private String err;

  @BeforeEach
  void start() {
    google = GoogleStandIn.start(folder.resolve("google"));
    environment.putAll(google.settings());
    environment.put("LLMPROXY_DATA", folder.resolve("data").toString());
    environment.put("PORT", "0");
    environment.put("LOCAL_MODEL", "off");
    environment.put("OLLAMA_BASE_URL", "http://127.0.0.1:9/v1");
  }

  @AfterEach
  void stop() {
    google.close();
  }

  @Test
  void commandsOfThePageWorkInOrder() throws IOException {
    List<String> ran = new ArrayList<>();
    for (List<String> command : commands()) {
      // start runs forever, and later commands need it; other tests cover both.
      if (List.of("start", "test-rest-api").contains(command.get(0))) {
        continue;
      }
      assertThat(run(command.toArray(String[]::new))).as(command + "\n" + out + err).isZero();
      ran.add(command.get(0));
    }
    assertThat(ran).contains("init-workbook", "create-api-key", "list-keys", "doctor");
  }

  @Test
  void commandsAndSettingsOfThePageExist() throws IOException {
    Set<String> commands = LlmProxyCommand.commandLine(settings()).getSubcommands().keySet();
    for (List<String> command : commands()) {
      assertThat(commands).contains(command.get(0));
    }
    Properties settings = new Properties();
    try (var reader = Files.newBufferedReader(Path.of("application.properties"))) {
      settings.load(reader);
    }
    Set<String> named =
        SETTING.matcher(page()).results().map(MatchResult::group).collect(Collectors.toSet());
    named.removeAll(
        Set.of(
            "PROJECT_ID",
            "KEY_ID",
            "PERMISSION_DENIED",
            "SERVICE_DISABLED",
            "LLMPROXY_KEY",
            "NOT_FOUND"));
    assertThat(new TreeSet<>(settings.stringPropertyNames())).containsAll(named);
    assertThat(named).contains("GOOGLE_SHEETS_SPREADSHEET_ID", "GOOGLE_APPLICATION_CREDENTIALS");
  }

  @Test
  void initWorkbookPreparesOnceAndPrintsTheAddress() throws Exception {
    assertThat(run("init-workbook")).as(err).isZero();
    assertThat(out)
        .contains("https://docs.google.com/spreadsheets/d/llmproxy", GoogleStandIn.EMAIL)
        .contains("Added sheets", "User API Keys", "Froze headers", "create-api-key");

    assertThat(run("init-workbook")).isZero();
    assertThat(out).contains("Nothing to do").doesNotContain("Added");

    assertThat(run("init-workbook", "--json")).isZero();
    assertThat(Json.parse(out).path("changed").asBoolean(true)).isFalse();
  }

  @Test
  void initWorkbookWithoutAnIdCreatesASpreadsheetAndNamesItsOwner() {
    environment.remove("GOOGLE_SHEETS_SPREADSHEET_ID");

    assertThat(run("init-workbook")).as(err).isZero();

    String id = out.replaceAll("(?s).*GOOGLE_SHEETS_SPREADSHEET_ID=(\\S+).*", "$1");
    assertThat(out)
        .contains("https://docs.google.com/spreadsheets/d/" + id)
        .contains("belongs to the service account " + GoogleStandIn.EMAIL, "https://sheets.new");
    environment.put("GOOGLE_SHEETS_SPREADSHEET_ID", id);
    assertThat(run("init-workbook")).isZero();
    assertThat(out).contains("Nothing to do");
  }

  @Test
  void embeddedWorkbookNeedsNoPreparation() {
    environment.remove("GOOGLE_SHEETS_SPREADSHEET_ID");
    environment.remove("GOOGLE_APPLICATION_CREDENTIALS");

    assertThat(run("init-workbook")).isZero();
    assertThat(out).contains("embedded workbook", "needs no preparation", "google-sheets.md");
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void refusalIsOneLineWithARemedy() throws IOException {
    google.refuse(
        403,
        Files.readString(
            Path.of("src/test/resources/fixtures/google/not-shared.403.json"),
            StandardCharsets.UTF_8));

    for (String command : List.of("init-workbook", "list-keys")) {
      assertThat(run(command)).isOne();
      assertThat(err)
          .startsWith("llmproxy: The spreadsheet is not shared")
          .contains(GoogleStandIn.EMAIL + " as Editor")
          .hasLineCount(1);
    }
    assertThat(run("doctor")).isOne();
    assertThat(out).contains("problem  workbook", "is not shared with the service account");
  }

  @Test
  void keyFileReadableByOthersIsAWarning() throws IOException {
    assertThat(google.keyFile().toFile().setReadable(true, false)).isTrue();

    assertThat(run("doctor")).isZero();
    assertThat(out).contains("warning  workbook", "chmod 600 " + google.keyFile());
  }

  private static String page() throws IOException {
    return Files.readString(Path.of("docs/google-sheets.md"));
  }

  /** The lines of the page that begin with ./llmproxy, in words. */
  private static List<List<String>> commands() throws IOException {
    return COMMAND
        .matcher(page())
        .results()
        .map(line -> List.of(line.group(1).strip().replace("\"", "").split(" +", 3)))
        .toList();
  }

  private Settings settings() {
    return Settings.load(Path.of(""), environment);
  }

  private int run(String... arguments) {
    StringWriter standard = new StringWriter();
    StringWriter errors = new StringWriter();
    CommandLine commandLine = LlmProxyCommand.commandLine(settings());
    int status =
        commandLine
            .setOut(new PrintWriter(standard, true))
            .setErr(new PrintWriter(errors, true))
            .execute(arguments);
    out = standard.toString();
    err = errors.toString();
    return status;
  }
}
