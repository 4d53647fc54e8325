package dev.llmproxy.mcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.emulator.HangingMcp;
import dev.llmproxy.emulator.McpEmulator;
import dev.llmproxy.tool.Tool;
import dev.llmproxy.tool.ToolException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** MCP servers that misbehave. */
class McpServersTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final McpTimes SHORT =
      new McpTimes(
          Duration.ofSeconds(1),
          Duration.ofSeconds(1),
          Duration.ofSeconds(1),
          Duration.ofMillis(200),
          Duration.ofMillis(50),
          Duration.ofMillis(200),
          Duration.ofMillis(500));

  @TempDir Path folder;

  @Test
  void aSilentProgramIsRestarted() throws Exception {
    Path started = folder.resolve("started");
    try (McpServers servers = shell("echo $$ >> " + started + "; cat > /dev/null")) {
      servers.open();
      Awaitility.await().atMost(PATIENCE).until(() -> pids(started).size() >= 3);
      assertThat(servers.tools()).isEmpty();
      awaitEnded(pids(started).getFirst());
    }
    for (long pid : pids(started)) {
      awaitEnded(pid);
    }
  }

  @Test
  void aStubbornProgramIsKilledWithItsChildren() throws Exception {
    Path started = folder.resolve("started");
    String script =
        "trap '' TERM; sleep 1000 & echo $! >> %s; echo $$ >> %s; while true; do sleep 1; done"
            .formatted(started, started);
    try (McpServers servers = shell(script)) {
      servers.open();
      Awaitility.await().atMost(PATIENCE).until(() -> pids(started).size() >= 2);
    }
    for (long pid : pids(started)) {
      awaitEnded(pid);
    }
  }

  @Test
  void aServerThatStopsAnsweringLosesItsToolsAndIsRestarted() throws Exception {
    Path heard = folder.resolve("heard");
    String answers =
        """
        initialize='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}'
        list='{"tools":[{"name":"t","inputSchema":{}}]}'
        answered=0
        while read -r line; do
          echo "$line" >> %s
          id=$(echo "$line" | sed -n 's/.*"id":"\\([^"]*\\)".*/\\1/p')
          case "$line" in
            *'"initialize"'*) echo '{"jsonrpc":"2.0","id":"'"$id"'","result":'"$initialize"'}';;
            *'"tools/list"'*)
              answered=$((answered + 1))
              if [ $answered -le 3 ]; then echo '{"jsonrpc":"2.0","id":"'"$id"'","result":'"$list"'}'; fi;;
          esac
        done
        """
            .formatted(heard);
    try (McpServers servers = shell(answers)) {
      servers.open();
      for (int life = 0; life < 2; life++) {
        Awaitility.await()
            .atMost(PATIENCE)
            .until(() -> names(servers), names -> names.equals(List.of("s_t")));
        Awaitility.await().atMost(PATIENCE).until(() -> servers.tools().isEmpty());
      }
      assertThatThrownBy(() -> servers.call("s_gone", Map.of()))
          .isInstanceOf(ToolException.class)
          .hasMessageContaining("not there at the moment");
    }
    assertThat(heard).content().contains("notifications/initialized", "notifications/cancelled");
  }

  @Test
  void aServerThatHangsInACallIsRestarted() throws Exception {
    Path started = folder.resolve("started");
    String hangs = "*'\"tools/call\"'*) exec sleep 1000;;";
    try (McpServers servers = shell(answering(started, hangs))) {
      servers.open();
      Awaitility.await().atMost(PATIENCE).until(() -> !servers.tools().isEmpty());
      // The server sees calls that follow each other as one endless call.
      Future<String> call = call(servers);

      Awaitility.await().atMost(PATIENCE).until(() -> pids(started).size() >= 2);

      assertThat(call)
          .failsWithin(PATIENCE)
          .withThrowableThat()
          .withMessageContaining("cannot be reached at the moment");
      Awaitility.await().atMost(PATIENCE).until(() -> !servers.tools().isEmpty());
    }
  }

  @Test
  void aServerThatAnswersOnlyAfterItsCallStaysConnected() throws Exception {
    Path started = folder.resolve("started");
    String worksUntilTwoListsAreGivenUp =
        """
        *'"tools/call"'*) call=$id;;
        *'"notifications/cancelled"'*)
          givenUp=x$givenUp
          if [ $givenUp = xx ]; then
            answer "$call" '{"content":[{"type":"text","text":"done"}]}'
            call=
          fi;;
        """;
    McpTimes longCalls =
        new McpTimes(
            PATIENCE,
            SHORT.answer(),
            Duration.ofHours(1),
            SHORT.check(),
            SHORT.firstPause(),
            SHORT.longestPause(),
            SHORT.grace());
    try (McpServers servers =
        servers(program(answering(started, worksUntilTwoListsAreGivenUp)), longCalls)) {
      servers.open();
      Awaitility.await().atMost(PATIENCE).until(() -> !servers.tools().isEmpty());

      assertThat(call(servers)).succeedsWithin(PATIENCE).isEqualTo("done");

      assertThat(pids(started)).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void cancellingACallEndsItsConnectionOnly(boolean streams) throws Exception {
    ObjectNode file = Json.object();
    try (HangingMcp hanging = HangingMcp.start(streams)) {
      file.putObject("mcpServers").putObject("s").put("url", hanging.url());
      try (McpServers servers = servers(file, SHORT)) {
        servers.open();
        Awaitility.await().atMost(PATIENCE).until(() -> !servers.tools().isEmpty());
        Future<String> kept = call(servers);
        Awaitility.await().atMost(PATIENCE).until(() -> hanging.hanging() == 1);
        for (int calls = 2; calls <= 4; calls++) {
          int reached = calls;
          Future<String> left = call(servers);
          Awaitility.await().atMost(PATIENCE).until(() -> hanging.hanging() == reached);
          left.cancel(true);
        }

        Awaitility.await().atMost(PATIENCE).until(() -> hanging.left() == 3);
        assertThat(kept).isNotDone();
        assertThat(hanging.sessions()).isEqualTo(1);
      }
      Awaitility.await().atMost(PATIENCE).until(() -> hanging.left() == 4);
    }
  }

  @Test
  void headersAreNotSentAfterARedirect() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    AtomicInteger elsewhere = new AtomicInteger();
    HttpServer other = web();
    other.createContext(
        "/",
        exchange -> {
          elsewhere.incrementAndGet();
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    HttpServer server = web();
    server.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          if ("secret".equals(exchange.getRequestHeaders().getFirst("X-Key"))) {
            asked.incrementAndGet();
          }
          exchange
              .getResponseHeaders()
              .add("Location", "http://127.0.0.1:" + other.getAddress().getPort() + "/mcp");
          exchange.sendResponseHeaders(307, -1);
          exchange.close();
        });
    other.start();
    server.start();
    ObjectNode file = Json.object();
    file.putObject("mcpServers")
        .putObject("s")
        .put("url", "http://127.0.0.1:" + server.getAddress().getPort() + "/mcp")
        .putObject("headers")
        .put("X-Key", "secret");
    try (McpServers servers = servers(file, SHORT)) {
      servers.open();
      Awaitility.await().atMost(PATIENCE).until(() -> asked.get() >= 2);
    } finally {
      server.stop(0);
      other.stop(0);
    }
    assertThat(elsewhere).hasValue(0);
  }

  @Test
  void theFirstServerInTheFileWinsADuplicateToolName() throws Exception {
    try (McpEmulator emulator = McpEmulator.start(folder, 0)) {
      ObjectNode file = Json.object();
      ObjectNode entries = file.putObject("mcpServers");
      String url = "http://127.0.0.1:" + emulator.port() + "/mcp";
      entries.putObject("s_more").put("url", url);
      entries.putObject("s").put("url", url);
      try (McpServers servers = servers(file, McpTimes.usual(PATIENCE))) {
        servers.open();
        Awaitility.await()
            .atMost(PATIENCE)
            .until(() -> names(servers).containsAll(List.of("s_echo", "s_more_more_echo")));
        assertThat(servers.tools()).extracting(Tool::name).doesNotHaveDuplicates();
        assertThat(servers.call("s_more_echo", Map.of("text", "first"))).isEqualTo("first");
        assertThat(servers.call("s_more_more_echo", Map.of())).isEqualTo("more");
      }
    }
  }

  /** A program with the tool {@code t} that does not list its tools during a call. */
  private static String answering(Path started, String more) {
    return """
    echo $$ >> %s
    answer() { echo '{"jsonrpc":"2.0","id":"'"$1"'","result":'"$2"'}'; }
    call=
    while read -r line; do
      id=$(echo "$line" | sed -n 's/.*"id":"\\([^"]*\\)".*/\\1/p')
      case "$line" in
        *'"initialize"'*)
          answer "$id" '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}';;
        *'"tools/list"'*)
          if [ -z "$call" ]; then answer "$id" '{"tools":[{"name":"t","inputSchema":{}}]}'; fi;;
        %s
      esac
    done
    """
        .formatted(started, more);
  }

  private static Future<String> call(McpServers servers) {
    FutureTask<String> call = new FutureTask<>(() -> servers.call("s_t", Map.of()));
    Thread.ofVirtual().start(call);
    return call;
  }

  private McpServers shell(String script) throws Exception {
    return servers(program(script), SHORT);
  }

  private static ObjectNode program(String script) {
    ObjectNode file = Json.object();
    file.putObject("mcpServers")
        .putObject("s")
        .put("command", "sh")
        .putArray("args")
        .add("-c")
        .add(script);
    return file;
  }

  private McpServers servers(ObjectNode file, McpTimes times) throws Exception {
    Path path = Files.writeString(folder.resolve("mcp.json"), Json.text(file));
    return new McpServers(
        Settings.load(Path.of(""), Map.of("MCP_SERVERS", path.toString())), times);
  }

  private static List<String> names(McpServers servers) {
    return servers.tools().stream().map(Tool::name).toList();
  }

  private static void awaitEnded(long pid) {
    Awaitility.await().atMost(PATIENCE).until(() -> ProcessHandle.of(pid).isEmpty());
  }

  private static HttpServer web() throws Exception {
    return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
  }

  private static List<Long> pids(Path file) throws Exception {
    return Files.exists(file)
        ? Files.readAllLines(file).stream().map(Long::valueOf).toList()
        : List.of();
  }
}
