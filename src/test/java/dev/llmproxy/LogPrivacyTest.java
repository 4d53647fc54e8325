package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.McpEmulator;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.emulator.ScriptedSearch;
import dev.llmproxy.emulator.SignInStandIn;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The log of the real command, at every level, contains no key and no text of a conversation. */
class LogPrivacyTest {
  private static final String SAID = "tell-nobody-of-my-lumbago";
  private static final String PROVIDERS_KEY = "provider-secret";
  private static final String MCP_TOKEN = "mcp-secret";

  @ParameterizedTest
  @CsvSource({
    "ERROR, off",
    "WARN, off",
    "INFO, ledger",
    "DEBUG, ledger",
    "TRACE, ledger",
    "TRACE, off"
  })
  void keysAndTextsAreNotLogged(String level, String conversations, @TempDir Path folder)
      throws Exception {
    try (ScriptedProvider provider = ScriptedProvider.start();
        ScriptedSearch search = ScriptedSearch.start();
        SignInStandIn google = SignInStandIn.start();
        McpEmulator mcp = McpEmulator.start(folder, 0)) {
      Map<String, String> environment = new HashMap<>(search.settings());
      environment.putAll(google.settings());
      environment.put("LLMPROXY_ALLOWED_USERS", "ann@example.com");
      environment.put("OPENAI_BASE_URL", provider.baseUrl());
      environment.put("OPENAI_API_KEY", PROVIDERS_KEY);
      environment.put("MCP_SERVERS", servers(folder, mcp).toString());
      environment.put("LLMPROXY_LOG_LEVEL", level);
      environment.put("CAMEL_LOG_LEVEL", level);
      environment.put("MCP_LOG_LEVEL", level);
      environment.put("LOG_CONVERSATIONS", conversations);
      Files.createDirectories(folder.resolve("product"));
      StartedProduct product =
          StartedProduct.start(
              Path.of("").toAbsolutePath(), folder.resolve("product"), environment);
      String key = product.firstKey();
      String token = google.token("ann@example.com");
      try (product) {
        chat(product, key, request(SAID, false), 200);
        chat(product, key, request(SAID, true), 200);
        // The provider refuses, breaks off, and sends an invalid answer.
        chat(product, key, request(SAID + " [[script status=500]]", false), 502);
        chat(product, key, request(SAID + " [[script cut=1]]", true), 200);
        chat(product, key, request(SAID + " [[script garbage=1]]", false), 502);
        // The server refuses.
        chat(product, "sk-wrong-" + SAID, request(SAID, false), 401);
        chat(product, key, request(SAID, false).put("model", "nobody/" + SAID), 404);
        chat(product, key, request(SAID, false).put("stop", 5).put("user", SAID), 400);
        assertThat(
                product
                    .post("/v1/chat/completions", key, "{\"messages\": \"" + SAID + "\" " + SAID)
                    .statusCode())
            .isEqualTo(400);
        ObjectNode role = request(SAID, false);
        role.withArray("messages").addObject().put("role", SAID).put("content", SAID);
        chat(product, key, role, 400);
        // Tools: one that succeeds, one that fails, a search, and a tool of an MCP server.
        for (String call :
            List.of(
                "calculator {\"expression\": \"1+1\"}",
                "calculator {\"expression\": \"" + SAID + "\"}",
                "web_search {\"query\": \"" + SAID + "\"}",
                "far_echo {\"text\": \"" + SAID + "\"}",
                "fetch_url {\"url\": \"http://127.0.0.1/" + SAID + "\"}")) {
          ObjectNode request = request("[[script calls='" + call + "']]", true);
          for (String tool : List.of("calculator", "web_search", "fetch_url", "far_echo")) {
            request.withArray("tools").addObject().put("type", tool);
          }
          chat(product, key, request, 200);
        }
        ObjectNode embedding = Json.object().put("model", "openai/embed").put("input", SAID);
        assertThat(product.post("/v1/embeddings", key, Json.text(embedding)).statusCode())
            .isEqualTo(200);
        ObjectNode form = request(SAID, false);
        form.remove("stream");
        assertThat(product.post("/chat", token, Json.text(form)).statusCode()).isEqualTo(200);
        assertThat(product.post("/chat", token + "x", Json.text(form)).statusCode()).isEqualTo(401);
      }
      String log = product.log();
      assertThat(log.lines().filter(line -> leaks(line, key, token)).limit(20)).isEmpty();
      if (!level.equals("ERROR") && !level.equals("WARN")) {
        assertThat(log.lines().filter(line -> line.contains(" openai/scripted ")))
            .as("the log is that of these chats")
            .hasSizeGreaterThanOrEqualTo(5);
      }
      assertThat(conversationsIn(folder.resolve("product/data/ledger.db")))
          .as("what is kept in the ledger")
          .matches(kept -> kept.contains(SAID) == conversations.equals("ledger"));
    }
  }

  private static String conversationsIn(Path ledger) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + ledger);
        ResultSet rows =
            connection.createStatement().executeQuery("select body, answer from conversation")) {
      StringBuilder kept = new StringBuilder();
      while (rows.next()) {
        kept.append(rows.getString(1)).append(rows.getString(2)).append('\n');
      }
      return kept.toString();
    }
  }

  private static boolean leaks(String line, String key, String token) {
    return line.contains(SAID)
        || line.contains(key)
        || line.contains(token)
        || line.contains(PROVIDERS_KEY)
        || line.contains(ScriptedSearch.KEY)
        || line.contains(MCP_TOKEN);
  }

  private static Path servers(Path folder, McpEmulator mcp) throws Exception {
    ObjectNode servers = Json.object();
    servers
        .putObject("mcpServers")
        .putObject("far")
        .put("url", "http://127.0.0.1:" + mcp.port() + "/mcp")
        .putObject("headers")
        .put("Authorization", "Bearer " + MCP_TOKEN);
    return Files.writeString(folder.resolve("mcp.json"), Json.text(servers));
  }

  private static ObjectNode request(String message, boolean stream) {
    ObjectNode request = Json.object().put("model", "openai/scripted").put("stream", stream);
    request.putArray("messages").addObject().put("role", "user").put("content", message);
    return request;
  }

  private static void chat(StartedProduct product, String key, ObjectNode request, int status)
      throws Exception {
    var answer = product.post("/v1/chat/completions", key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
  }
}
