package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.Gateway;
import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.ScriptedSearch;
import dev.llmproxy.ledger.Admission;
import dev.llmproxy.ledger.Ledger;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class CommandLineTest {
  @TempDir private Path data;
  private Settings settings;
  private String out;
  private String err;

  @BeforeEach
  void stopped() {
    set(Map.of());
  }

  private void set(Map<String, String> more) {
    Map<String, String> environment = new HashMap<>(more);
    environment.put("LLMPROXY_DATA", data.toString());
    environment.putIfAbsent("COLUMNS", "200");
    settings = Settings.load(Path.of(""), environment);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "start",
        "init-workbook",
        "doctor",
        "create-api-key",
        "list-keys",
        "revoke-key",
        "usage",
        "models",
        "conversations",
        "export",
        "dead-letters",
        "test-rest-api",
        "completion"
      })
  void everyCommandHasHelp(String command) {
    assertThat(run(command, "--help")).isZero();
    assertThat(out).contains("Usage: llmproxy " + command);
  }

  @Test
  void newKeyIsShownOnceWithOwnerNameAndTier() throws Exception {
    assertThat(run("create-api-key", "ann@example.com", "Laptop", "--tier", "pro")).isZero();

    assertThat(out)
        .contains("ann@example.com", "Laptop", "pro", "will not be shown again")
        .containsPattern("sk-[A-Za-z0-9]{48}");
    String key = out.replaceAll("(?s).*(sk-[A-Za-z0-9]{48}).*", "$1");
    assertThat(run("list-keys")).isZero();
    assertThat(out).contains("ann@example.com", "Laptop", "pro").doesNotContain(key);
  }

  @Test
  void keysAreCreatedListedAndRevokedWithTheServerStopped() throws Exception {
    run("create-api-key", "ann@example.com", "Laptop", "--json");
    String key = Json.parse(out).path("key").asText();

    assertThat(run("revoke-key", key)).isZero();
    assertThat(run("list-keys", "--json")).isZero();

    JsonNode listed = Json.parse(out).get(0);
    assertThat(listed.path("revoked").asBoolean()).isTrue();
    assertThat(listed.path("requests").asInt()).isZero();
  }

  @Test
  void exportOverwritesFilesOnlyWithForce() throws Exception {
    run("create-api-key", "ann@example.com", "Laptop");
    Path file = data.resolve("book.xlsx");
    Path folder = data.resolve("csv");

    assertThat(run("export", "--xlsx", file.toString())).isZero();
    assertThat(file).isNotEmptyFile();
    assertThat(run("export", "--xlsx", file.toString())).isEqualTo(1);
    assertThat(err).contains("--force");
    assertThat(run("export", "--xlsx", file.toString(), "--force")).isZero();

    assertThat(run("export", "--csv", folder.toString())).isZero();
    assertThat(folder.resolve("User API Keys.csv")).content().contains("ann@example.com");
    assertThat(run("export", "--csv", folder.toString())).isEqualTo(1);
    assertThat(run("export", "--csv", folder.toString(), "--force")).isZero();

    assertThat(run("export")).isEqualTo(2);
    assertThat(run("export", "--xlsx", data.resolve("none/x.xlsx").toString())).isEqualTo(1);
    assertThat(err).contains("no folder");
  }

  @Test
  void keyIsRevokedByItsMaskedForm() throws Exception {
    run("create-api-key", "ann@example.com", "Laptop", "--json");
    run("list-keys", "--json");
    String masked = Json.parse(out).get(0).path("key").asText();

    assertThat(run("revoke-key", masked)).isZero();
    assertThat(out).contains("Revoked");
  }

  @Test
  void conversationsAreListedShownAndErasedWithTheServerRunningAndStopped() throws Exception {
    assertThat(run("conversations")).isZero();
    assertThat(out).contains("No conversations found.");
    String id;
    try (Gateway gateway = Gateway.start(data, Map.of("LOG_CONVERSATIONS", "ledger"))) {
      String key = gateway.createKey("ann@example.com");
      id =
          gateway
              .chat(key, "openai/scripted", true, "what is\u001b[2J this?")
              .headers()
              .firstValue("x-request-id")
              .orElseThrow();
      gateway.chat(gateway.createKey("bob@example.com"), "openai/scripted", false, "hi");
      org.awaitility.Awaitility.await()
          .until(() -> {
            run("conversations");
            return out.contains("ann@example.com")
                && out.contains("bob@example.com")
                && !out.contains("under way");
          });
      assertThat(out).contains("openai/scripted", "SUCCESS", id);
    }

    assertThat(run("conversations", "ann@example.com", "--json")).isZero();
    JsonNode listed = Json.parse(out);
    assertThat(listed).hasSize(1);
    assertThat(listed.at("/0/messages/0/content").asText()).isEqualTo("what is\u001b[2J this?");
    assertThat(run("conversations", "--request", id)).isZero();
    assertThat(out).contains("user:\n  what is", "assistant:\n", "(stop)").doesNotContain("\u001b");
    assertThat(run("conversations", "--since", "2999-01-01")).isZero();
    assertThat(out).contains("No conversations found.");
    assertThat(run("conversations", "--limit", "1", "--json")).isZero();
    assertThat(Json.parse(out)).hasSize(1);

    assertThat(run("conversations", "--delete", "ann@example.com")).isEqualTo(2);
    assertThat(err).contains("--yes");
    assertThat(run("conversations", "--delete", "ann@example.com", "--yes")).isZero();
    assertThat(out).contains("Deleted 1 conversations");
    assertThat(run("conversations", "--request", id)).isEqualTo(1);
    run("conversations");
    assertThat(out).contains("bob@example.com").doesNotContain("ann@example.com");
  }

  @Test
  void commandsWorkWithTheServerRunningAndTestRestApiPasses() throws Exception {
    try (Gateway gateway = Gateway.start(data)) {
      assertThat(run("create-api-key", "bob@example.com", "Phone", "--json")).isZero();
      String key = Json.parse(out).path("key").asText();

      int status =
          run(
              "test-rest-api",
              key,
              "--base-url",
              "http://127.0.0.1:" + gateway.port() + "/v1",
              "--prompt",
              "hello there");
      assertThat(out)
          .contains("You said: hello there")
          .contains(
              "PASS  models", "PASS  stream", "PASS  whole answer", "PASS  wrong key is refused")
          .contains("PASS  Responses format", "PASS  Messages format")
          .contains("PASS  completion of a text")
          .doesNotContain("FAIL");
      assertThat(status).isZero();
      gateway.awaitRecords(6);

      assertThat(run("usage", "--json")).isZero();
      assertThat(Json.parse(out).get(0).path("email").asText()).isEqualTo("bob@example.com");
      assertThat(Json.parse(out).get(0).path("requests").asInt()).isEqualTo(6);
      assertThat(run("usage")).isZero();
      assertThat(out).contains("bob@example.com");
      assertThat(run("revoke-key", key)).isZero();
      gateway.awaitKnown(key, false);
      assertThat(
              run("test-rest-api", key, "--base-url", "http://127.0.0.1:" + gateway.port() + "/v1"))
          .isOne();
      assertThat(out).contains("FAIL  models");
    }
  }

  @Test
  void testRestApiShowsTheServersToolsAsTheyRun() throws Exception {
    try (ScriptedSearch search = ScriptedSearch.start();
        Gateway gateway = Gateway.start(data, search.settings())) {
      String key = gateway.createKey("ann@example.com");

      int status =
          restApi(
              gateway,
              key,
              "[[script calls='web_search {\"query\": \"camels\"}' say='A moment.']]");

      assertThat(status).as(out).isZero();
      assertThat(out)
          .containsPattern(
              "A moment\\.\\R⚙ web_search started: \"camels\"\\R"
                  + "⚙ web_search completed in \\d+ ms: 1 result from searxng\\R+The tool said: ")
          .contains("PASS  tools: 1 tool call", "PASS  tools, without events: ")
          .contains("PASS  tools, whole answer: 1 tool call");
    }
  }

  @Test
  void failedToolIsShownAndTestRestApiPasses() throws Exception {
    try (ScriptedSearch search = ScriptedSearch.start();
        Gateway gateway = Gateway.start(data, search.settings())) {
      String key = gateway.createKey("ann@example.com");

      int status = restApi(gateway, key, "[[script calls='web_search {\"limit\": 3}']]");

      assertThat(status).as(out).isZero();
      assertThat(out).contains("⚙ web_search started: {\"limit\":3}", "⚙ web_search failed in ");
    }
  }

  @Test
  void modelWithoutToolCallSkipsTheTestOfTools() throws Exception {
    try (Gateway gateway = Gateway.start(data)) {
      assertThat(restApi(gateway, gateway.createKey("ann@example.com"), "hello")).as(out).isZero();

      assertThat(out).contains("SKIPPED  tools: no tool was run").doesNotContain("  tools, ");
    }
  }

  @Test
  void serverWithoutTheToolSkipsTheTestOfTools() throws Exception {
    Path home = OwnHome.copyTo(data.resolve("home"));
    Files.delete(home.resolve("routes/tool-web-search.camel.yaml"));
    try (Gateway gateway = Gateway.startAt(home, data, Map.of())) {
      String key = gateway.createKey("ann@example.com");

      assertThat(restApi(gateway, key, "[[script calls='web_search {\"query\": \"camels\"}']]"))
          .as(out)
          .isZero();
      assertThat(out).contains("SKIPPED  tools: the server has no web_search");

      assertThat(
              restApi(
                  gateway,
                  key,
                  "[[script status=400 body='{\"error\":{\"message\":\"what tool?\"}}']]"))
          .isOne();
      assertThat(out)
          .contains("SKIPPED  tools: web_search is not available with openai/scripted: what tool?");
    }
  }

  private int restApi(Gateway gateway, String key, String prompt) {
    return run(
        "test-rest-api",
        key,
        "--base-url",
        "http://127.0.0.1:" + gateway.port() + "/v1",
        "--model",
        "openai/scripted",
        "--prompt",
        prompt);
  }

  @Test
  void mistakesHaveAMessageAndAnExitStatus() {
    assertThat(run("create-api-key", "not an address")).isEqualTo(2);
    assertThat(err).contains("is not an e-mail address");
    assertThat(run("revoke-key", "sk-nobody-has-this-key-at-all")).isOne();
    assertThat(err)
        .startsWith("llmproxy: No key in the workbook")
        .doesNotContain("sk-nobody-has")
        .doesNotContain("\tat ");
    assertThat(run("test-rest-api", "sk-x", "--base-url", "http://127.0.0.1:9/v1")).isOne();
    assertThat(out).contains("nothing answers at http://127.0.0.1:9/v1");
    assertThat(run("nonsense")).isEqualTo(2);
  }

  @Test
  void usageIsShownByUserAndModel() throws Exception {
    try (Ledger ledger = Ledger.open(settings)) {
      settle(ledger, "r1", "ann@example.com", 3, 2);
      settle(ledger, "r2", "ann@example.com", 1, 0);
      settle(ledger, "r3", "bob@example.com", 2, 5);
    }

    assertThat(run("usage", "--json")).isZero();
    assertThat(Json.parse(out))
        .extracting(
            total -> total.path("email").asText(),
            total -> total.path("requests").asInt(),
            total -> total.path("turns").asInt(),
            total -> total.path("tool_calls").asInt(),
            total -> total.path("tokens_in").asInt())
        .containsExactly(
            tuple("ann@example.com", 2, 4, 2, 14), tuple("bob@example.com", 1, 2, 5, 7));
    assertThat(run("usage")).isZero();
    assertThat(out.lines().map(line -> line.strip().split(" {2,}")))
        .containsExactly(
            new String[] {
              "User",
              "Model",
              "Requests",
              "Turns",
              "Tool calls",
              "Tokens in",
              "Tokens out",
              "Cost (USD)"
            },
            new String[] {"ann@example.com", "openai/x", "2", "4", "2", "14", "18", "0.5"},
            new String[] {"bob@example.com", "openai/x", "1", "2", "5", "7", "9", "0.25"});
  }

  @Test
  void usageByOneThingHasARowForEach() throws Exception {
    try (Ledger ledger = Ledger.open(settings)) {
      settle(ledger, "r1", "ann@example.com", 3, 2);
      settle(ledger, "r2", "ann@example.com", 1, 0, null);
      settle(ledger, "r3", "=bob@example.com", 2, 5);
    }

    assertThat(run("usage", "--by", "user", "--json")).isZero();
    assertThat(Json.parse(out))
        .extracting(
            row -> row.path("name").asText(),
            row -> row.path("requests").asInt(),
            row -> row.path("cost").asText(),
            row -> row.path("unpriced_requests").asInt())
        .containsExactlyInAnyOrder(
            tuple("=bob@example.com", 1, "0.25", 0), tuple("ann@example.com", 2, "0.25", 1));
    assertThat(run("usage", "--by", "user", "--csv")).isZero();
    assertThat(out.lines())
        .first()
        .asString()
        .startsWith("user,key_name,key_hash,requests,failed,cancelled,turns,tool_calls,");
    assertThat(out).contains("\n'=bob@example.com,").doesNotContain("\r", "\\u");
    assertThat(run("usage", "ann@example.com", "--by", "model")).isZero();
    assertThat(out.lines().map(line -> List.of(line.strip().split(" {2,}")).getFirst()))
        .containsExactly("Model", "openai/x");
    assertThat(out).contains("≥ 0.25");
    assertThat(run("usage", "--by", "key", "--days", "1")).isZero();
    assertThat(run("usage", "--by", "day", "nobody@example.com")).isZero();
    assertThat(out).contains("No usage");
  }

  /** An address with the sign for kelvin is not that with the letter k. */
  @Test
  void usageOfAnAddressIgnoresCaseButNotLettersThatOnlyLookAlike() throws Exception {
    try (Ledger ledger = Ledger.open(settings)) {
      settle(ledger, "r1", "Kim@example.com", 3, 2);
      settle(ledger, "r2", "\u212Aim@example.com", 1, 0);
    }

    assertThat(run("usage", "kim@EXAMPLE.com", "--json")).isZero();

    assertThat(Json.parse(out))
        .extracting(total -> total.path("email").asText())
        .containsExactly("Kim@example.com");
  }

  @Test
  void unknownCostIsNotShownAsZero() throws Exception {
    try (Ledger ledger = Ledger.open(settings)) {
      settle(ledger, "r1", "ann@example.com", 1, 0, new BigDecimal("0.25"));
      settle(ledger, "r2", "ann@example.com", 1, 0, null);
      settle(ledger, "r3", "bob@example.com", 1, 0, null);
      settle(ledger, "r4", "cy@example.com", 1, 0, BigDecimal.ZERO);
    }

    assertThat(run("usage")).isZero();
    assertThat(out.lines().skip(1).map(line -> line.substring(line.lastIndexOf("  ") + 2)))
        .containsExactly("≥ 0.25", "unknown", "0");
    assertThat(run("usage", "--json")).isZero();
    assertThat(Json.parse(out))
        .extracting(
            total -> total.path("cost").asText(), total -> total.path("unpriced_requests").asInt())
        .containsExactly(tuple("0.25", 1), tuple("null", 1), tuple("0", 0));
    assertThat(Json.parse(out).get(1).path("cost").isNull()).isTrue();
  }

  private static void settle(
      Ledger ledger, String requestId, String email, int turns, int toolCalls) {
    settle(ledger, requestId, email, turns, toolCalls, new BigDecimal("0.25"));
  }

  private static void settle(
      Ledger ledger, String requestId, String email, int turns, int toolCalls, BigDecimal cost) {
    Caller caller = new Caller(email, "Key", "00ff", "free");
    ledger.admit(new Admission(requestId, Instant.now(), caller, "chat", "openai/x", "rest-api"));
    ledger.settle(
        new Settlement(
            requestId, Status.SUCCESS, 7, 9, turns, toolCalls, cost, Duration.ofSeconds(1)));
  }

  @Test
  void tablesFitTheTerminal() throws Exception {
    String name = "A name that nobody could make any longer than this one, I suppose";
    run("create-api-key", "somebody.with.a.long.name@department.example.com", name);
    try (Ledger ledger = Ledger.open(settings)) {
      settle(ledger, "r1", "somebody.with.a.long.name@department.example.com", 3, 2);
    }
    set(Map.of("COLUMNS", "80"));

    for (String command : List.of("list-keys", "usage")) {
      assertThat(run(command)).isZero();
      assertThat(out.lines())
          .as(command)
          .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(80));
      assertThat(out.lines().count()).isGreaterThan(2);
    }
    run("list-keys");
    assertThat(out.replaceAll("\\s", "")).contains("somebody");
    set(Map.of("COLUMNS", "300"));
    run("list-keys");
    assertThat(out).contains(name).doesNotContain("Expires");
  }

  @Test
  void controlCharactersAreEscaped() throws Exception {
    assertThat(run("create-api-key", "ann@example.com", "evil\u009b31m\u202e name\nx")).isZero();
    assertThat(out).doesNotContain("\u001b", "\u009b", "\u202e");

    assertThat(run("list-keys")).isZero();
    assertThat(out).contains("evil\\u009b31m\\u202e name x").doesNotContain("\u001b", "\u009b");
    assertThat(out.lines()).hasSize(2);
    assertThat(run("list-keys", "--json")).isZero();
    assertThat(Json.parse(out).get(0).path("name").asText())
        .isEqualTo("evil\u009b31m\u202e name\nx");
    assertThat(run("usage", "--evil\u001b[2J")).isEqualTo(2);
    assertThat(err).doesNotContain("\u001b");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "usage --jsno | --json",
        "usage --days many | \"many\" is not a whole number",
        "usage --days 0 | --days must be",
        "usage --csv | --csv needs --by",
        "usage --by week | expected one of [day, model, key, user, status]",
        "usage --by day --csv --json | mutually exclusive",
        "usge | usage",
        "nonsense | there is no command \"nonsense\"",
        "help nonsense | nonsense",
        "conversations --since yesterday | \"yesterday\" is not a date such as 2026-01-31",
        "create-api-key | EMAIL",
        "completion tcsh | bash",
        "export | --xlsx"
      })
  void invalidArgumentGetsAShortMessage(String line, String said) {
    assertThat(run(line.split(" "))).isEqualTo(2);

    assertThat(err).startsWith("llmproxy: ").contains(said).contains("--help");
    assertThat(err.lines().count()).isLessThanOrEqualTo(4);
    assertThat(err).doesNotContain("Exception", "java.", "Usage: ");
  }

  @Test
  void inaccessibleDataFolderIsAnError() throws Exception {
    // Nobody can follow a link to itself, not even root.
    Path loop = data.resolve("loop");
    Files.createSymbolicLink(loop, loop);
    settings = Settings.load(Path.of(""), Map.of("LLMPROXY_DATA", loop.toString()));

    assertThat(run("usage")).isOne();
    assertThat(err).contains("cannot access the data folder " + loop);
  }

  @Test
  void unreadableSettingsFailWithOneLine() {
    StringWriter errors = new StringWriter();

    int status =
        LlmProxyCommand.run(
            data, new PrintWriter(errors, true), new PrintWriter(errors, true), "usage");

    assertThat(status).isOne();
    assertThat(errors.toString())
        .startsWith("llmproxy: cannot read " + data.resolve("application.properties"))
        .hasLineCount(1);
  }

  @Test
  void noCommandShowsTheHelp() {
    assertThat(run()).isEqualTo(2);
    assertThat(err).contains("Usage: llmproxy", "create-api-key");
  }

  @Test
  void shellCompletesCommandsAndOptions() throws Exception {
    assertThat(run("completion", "bash")).isZero();
    Path script = Files.writeString(data.resolve("completion"), out);

    assertThat(completed(script, "./llmproxy", "crea")).containsExactly("create-api-key");
    assertThat(completed(script, "./llmproxy", "usage", "--d")).containsExactly("--days");
  }

  /** The completions that bash offers for the last of these words. */
  private static List<String> completed(Path script, String... words) throws Exception {
    String line = String.join(" ", words);
    String program =
        "source '%s'; COMP_WORDS=(%s); COMP_CWORD=%d; COMP_LINE='%s'; COMP_POINT=%d; "
                .formatted(script, line, words.length - 1, line, line.length())
            + "f=$(complete -p llmproxy | sed 's/.*-F \\([^ ]*\\).*/\\1/'); COMPREPLY=(); $f; printf '%s\\n' \"${COMPREPLY[@]}\"";
    Process bash =
        new ProcessBuilder("bash", "-c", program)
            // compopt complains when it does not run during a completion.
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    bash.waitFor();
    return said.lines().map(String::strip).toList();
  }

  @Test
  void commandsMakeExistingFilesPrivate() throws Exception {
    Ledger.open(settings).close();
    Path ledger = data.resolve("ledger.db");
    Files.setPosixFilePermissions(ledger, PosixFilePermissions.fromString("rw-r--r--"));

    assertThat(run("usage")).isZero();

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(ledger)))
        .isEqualTo("rw-------");
  }

  @Test
  void testRestApiTestsTheServerOfItsDataFolderOnly() throws Exception {
    assertThat(run("test-rest-api", "sk-x")).isOne();
    assertThat(err).contains("no server of the data folder " + data, "./llmproxy start");
    Path elsewhere = data.resolve("another");
    try (Gateway another = Gateway.start(elsewhere)) {
      set(Map.of("PORT", Integer.toString(another.port()), "HOST", "127.0.0.1"));
      assertThat(run("test-rest-api", "sk-x")).isOne();
      assertThat(err).contains("Another llmproxy listens at http://127.0.0.1:" + another.port());

      try (Gateway ours = Gateway.start(data)) {
        set(Map.of("LLMPROXY_KEY", ours.createKey("ann@example.com")));
        assertThat(run("test-rest-api")).as(out + err).isZero();
        assertThat(out).startsWith("Testing http://127.0.0.1:" + ours.port() + "/v1");
      }
    }
  }

  @Test
  void emptyLedgerHasNoUsage() {
    assertThat(run("usage")).isZero();
    assertThat(out).contains("No usage");
  }

  private int run(String... arguments) {
    StringWriter standard = new StringWriter();
    StringWriter errors = new StringWriter();
    CommandLine commandLine = LlmProxyCommand.commandLine(settings);
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
