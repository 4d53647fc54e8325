package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.McpEmulator;
import dev.llmproxy.tool.ToolResult.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls tools of real MCP servers in the way chats do. */
class McpToolsRouteTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private static final String ROUTE =
      """
      - route:
          id: tool-local-throws
          description: Is named as a tool of an MCP server
          from:
            uri: direct:tool-local-throws
            steps:
              - setProperty:
                  name: parameters
                  constant: "type: object"
              - setBody:
                  constant: from the route
      """;

  @TempDir static Path folder;
  private static McpEmulator remote;
  private static Tools tools;

  @BeforeAll
  static void start() throws Exception {
    remote = McpEmulator.start(folder, 0);
    ObjectNode servers = Json.object();
    command(servers, "local")
        .putObject("env")
        .put("GREETING", "${MCP_TEST_GREETING}")
        .put(McpEmulator.LOG, folder.resolve("heard.log").toString());
    servers
        .putObject("far away")
        .put("url", "http://127.0.0.1:" + remote.port() + "/mcp")
        .putObject("headers")
        .put("Authorization", "Bearer ${MCP_TEST_TOKEN}");
    servers.putObject("missing").put("command", folder.resolve("no-such-program").toString());
    servers.putObject("down").put("url", "http://127.0.0.1:1/mcp");
    Files.writeString(folder.resolve("tool-local-throws.camel.yaml"), ROUTE);
    tools =
        Tools.start(
            folder,
            Map.of(
                "MCP_SERVERS", written(folder, servers).toString(),
                "MCP_TEST_TOKEN", "remote-secret",
                "MCP_TEST_GREETING", "hello",
                "TOOL_TIMEOUT_SECONDS", "60"));
    await("local_echo");
    await("far_away_echo");
  }

  @AfterAll
  static void stop() throws Exception {
    if (tools != null) {
      tools.close();
    }
    remote.close();
  }

  @Test
  void unreachableServersDelayNothingAndHaveNoTools() throws Exception {
    assertThat(names()).contains("calculator").noneMatch(name -> name.matches("(missing|down)_.*"));
    assertThat(tools.run("calculator", "expression", "1 + 1").content()).isEqualTo("2");
  }

  @Test
  void toolsOfServersAreListedBesideRoutes() {
    Tool echo = tools.catalogue().find("far_away_echo").orElseThrow();

    assertThat(echo.description()).isEqualTo("Does echo");
    assertThat(echo.parameters().at("/properties/text/type").asText()).isEqualTo("string");
    assertThat(names()).contains("calculator", "local_echo");
  }

  @Test
  void aCallGoesToTheServerInTheToolsName() throws Exception {
    assertThat(tools.run("local_echo", "text", "Grüße\nan alle").content())
        .isEqualTo("Grüße\nan alle");
    assertThat(call("far_away_authorization").content()).isEqualTo("Bearer remote-secret");
    assertThat(call("local_authorization").content()).isEqualTo("null");
  }

  @Test
  void longArgumentsArriveComplete() throws Exception {
    String text = "é".repeat(9_000);

    assertThat(tools.run("local_echo", "text", text).content()).isEqualTo(text);
    assertThat(tools.run("far_away_echo", "text", text).content()).isEqualTo(text);
  }

  @Test
  void invalidArgumentsAreNotSent() throws Exception {
    ToolResult result = tools.run("local_echo", "texts", "x");

    assertThat(result.status()).isEqualTo(Status.FAILED);
    assertThat(result.content()).contains("do not fit").contains("text");
  }

  @Test
  void anErrorOfTheToolFailsWithItsOwnMessage() throws Exception {
    for (String server : List.of("local", "far_away")) {
      ToolResult result = call(server + "_fails");

      assertThat(result.status()).isEqualTo(Status.FAILED);
      assertThat(result.content()).isEqualTo("The text must be shorter.");
    }
    assertThat(call("far_away_throws").status()).isEqualTo(Status.FAILED);
  }

  @Test
  void aRouteWinsOverAServersToolOfTheSameName() throws Exception {
    assertThat(call("local_throws").content()).isEqualTo("from the route");
  }

  @Test
  void picturesBecomeNotesAndStructuredContentBecomesJson() throws Exception {
    assertThat(call("local_picture").content())
        .isEqualTo(
            "Here it is:\n[image, image/png, about 12 bytes]\n[audio, audio/wav, about 3 bytes]");
    assertThat(call("far_away_structured").content()).isEqualTo("{\"degrees\":21.5}");
  }

  @Test
  void oddSchemasAreAcceptedAndUnusableSchemasDropOneTool() throws Exception {
    assertThat(names())
        .contains("local_bare_schema", "local_draft7")
        .doesNotContain("local_remote", "local_number");
    assertThat(tools.catalogue().find("local_bare_schema").orElseThrow().parameters().toString())
        .isEqualTo("{\"type\":\"object\",\"properties\":{}}");
    assertThat(tools.run(new ToolCall("1", "local_draft7", "{\"pair\":[\"a\",\"b\"]}")).content())
        .contains("do not fit");
    assertThat(tools.run(new ToolCall("1", "local_draft7", "{\"pair\":[\"a\",1]}")).status())
        .isEqualTo(Status.COMPLETED);
  }

  @Test
  void programsGetBasicVariablesAndTheirOwn() throws Exception {
    Set<String> given = new TreeSet<>();
    Json.parse(call("local_environment").content()).fieldNames().forEachRemaining(given::add);

    assertThat(given).contains("PATH", "GREETING");
    given.removeAll(Set.of("GREETING", McpEmulator.LOG));
    assertThat(given)
        .isSubsetOf(
            "HOME",
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "LOGNAME",
            "PATH",
            "SHELL",
            "TMPDIR",
            "TZ",
            "USER");
    assertThat(call("local_environment").content()).contains("\"GREETING\":\"hello\"");
  }

  @Test
  void aCallThatTimesOutIsCancelledAtTheServer() throws Exception {
    ToolRunner impatient = new ToolRunner(tools.catalogue(), Duration.ofSeconds(5), 1000);
    for (String server : List.of("far_away", "local")) {
      ToolCall hangs = new ToolCall("call_1", server + "_hangs", "");
      ToolResult result = tools.runAll(impatient, List.of(hangs)).getFirst();

      assertThat(result.status()).isEqualTo(Status.FAILED);
      assertThat(result.content()).contains("no answer within 5 seconds");
      assertThat(tools.run(server + "_echo", "text", "still there").content())
          .isEqualTo("still there");
    }
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() ->
            Files.readString(folder.resolve("heard.log")).contains("notifications/cancelled"));
  }

  @Test
  void addedAndRemovedToolsAreNoticed() throws Exception {
    for (String server : List.of("far_away", "local")) {
      assertThat(call(server + "_grows").content()).isEqualTo("done");
      await(server + "_grown");
      assertThat(call(server + "_grown").content()).isEqualTo("grown up");
    }
    remote.remove("grown");
    Awaitility.await().atMost(PATIENCE).until(() -> !names().contains("far_away_grown"));
  }

  @Test
  void aProgramThatDiesLosesItsToolsAndIsRestarted() throws Exception {
    String before = call("local_pid").content();

    ToolResult result = call("local_exits");

    assertThat(result.status()).isEqualTo(Status.FAILED);
    assertThat(result.content()).contains("cannot be reached");
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() ->
            names().contains("local_pid")
                && !call("local_pid").content().equals(before)
                && call("local_pid").status() == Status.COMPLETED);
  }

  @Test
  void aServerThatIsGoneHasNoToolsUntilItIsBack() throws Exception {
    int port = remote.port();
    remote.close();
    Awaitility.await().atMost(PATIENCE).until(() -> !names().contains("far_away_echo"));
    assertThat(call("far_away_echo").status()).isEqualTo(Status.FAILED);
    assertThat(tools.run("local_echo", "text", "here").content()).isEqualTo("here");

    remote = McpEmulator.start(folder, port);

    await("far_away_echo");
    assertThat(tools.run("far_away_echo", "text", "back").content()).isEqualTo("back");
  }

  @Test
  void theProgramEndsWithTheApplication(@TempDir Path other) throws Exception {
    ObjectNode servers = Json.object();
    command(servers, "own");
    ProcessHandle program;
    try (Tools brief =
        Tools.start(other, Map.of("MCP_SERVERS", written(other, servers).toString()))) {
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> brief.catalogue().find("own_pid").isPresent());
      program =
          ProcessHandle.of(Long.parseLong(brief.run(new ToolCall("1", "own_pid", "")).content()))
              .orElseThrow();
    }
    Awaitility.await().until(() -> !program.isAlive());
  }

  private static ObjectNode command(ObjectNode servers, String name) {
    List<String> command = McpEmulator.command();
    ObjectNode entry = servers.putObject(name).put("command", command.getFirst());
    ArrayNode arguments = entry.putArray("args");
    command.subList(1, command.size()).forEach(arguments::add);
    return entry;
  }

  private static Path written(Path folder, ObjectNode servers) throws Exception {
    ObjectNode file = Json.object();
    file.set("mcpServers", servers);
    return Files.writeString(folder.resolve("mcp.json"), Json.pretty(file));
  }

  private static void await(String tool) {
    Awaitility.await().atMost(PATIENCE).until(() -> names().contains(tool));
  }

  private static List<String> names() {
    return tools.catalogue().tools().stream().map(Tool::name).toList();
  }

  private static ToolResult call(String tool) throws InterruptedException {
    return tools.run(new ToolCall("call_1", tool, ""));
  }
}
