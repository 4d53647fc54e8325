package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.ScriptedSearch;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Steps after a request has ended: they get the record without secrets, and their failures break
 * nothing.
 */
class HookRouteTest {
  private static final String WEBHOOK =
      """
      - route:
          id: hook-settled
          from:
            uri: direct:hook-settled
            steps:
              - to:
                  uri: "http://127.0.0.1:PORT/hook"
      """;
  private static final String DEAD_FIRST =
      """
              - setBody:
                  constant: anything
              - to:
                  uri: "http://127.0.0.1:1/services/secret-path"
              - process:
                  ref: usageMeter.settle
      """;

  /** A request to the webhook. */
  private record Received(Map<String, String> headers, String body) {
    JsonNode json() throws IOException {
      return Json.parse(body);
    }
  }

  private static final List<Received> HEARD = new CopyOnWriteArrayList<>();
  private static HttpServer webhook;
  private static ScriptedSearch search;
  private static Gateway gateway;
  private static Gateway broken;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    webhook = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    webhook.createContext(
        "/hook",
        call -> {
          HEARD.add(
              new Received(
                  call.getRequestHeaders().entrySet().stream()
                      .collect(
                          Collectors.toMap(
                              header -> header.getKey().toLowerCase(Locale.ROOT),
                              header -> String.join(",", header.getValue()))),
                  new String(call.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
          call.sendResponseHeaders(204, -1);
          call.close();
        });
    webhook.start();
    search = ScriptedSearch.start();
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(
        home.resolve("routes/hook-settled.camel.yaml"),
        WEBHOOK.replace("PORT", Integer.toString(webhook.getAddress().getPort())));
    gateway = Gateway.startAt(home, folder.resolve("data"), search.settings());
    key = gateway.createKey("ann@example.com");
    Path brokenHome = OwnHome.copyTo(folder.resolve("broken"));
    Path settle = brokenHome.resolve("routes/usage-settle.camel.yaml");
    String route = Files.readString(settle);
    String settling = "        - process:\n            ref: usageMeter.settle\n";
    assertThat(route).contains(settling);
    Files.writeString(settle, route.replace(settling, DEAD_FIRST));
    broken = Gateway.startAt(brokenHome, folder.resolve("broken-data"), Map.of());
  }

  @AfterAll
  static void stop() {
    gateway.close();
    broken.close();
    search.close();
    webhook.stop(0);
  }

  @Test
  void webhooksGetTheRecordWithoutSecrets() throws Exception {
    chat("hello", false, 200);
    chat("hello", true, 200);
    chat("[[script status=503]]", false, 502);
    chat("[[script cut=1]]", true, 200);
    chat("[[script hangup=1]]", false, 502);
    chat("[[script calls='web_search {\"query\": \"camels\"}']]", true, 200);
    var embedding =
        gateway.post("/v1/embeddings", key, "{\"model\":\"openai/embed\",\"input\":\"x\"}");
    assertThat(embedding.statusCode()).as(embedding.body()).isEqualTo(200);

    Awaitility.await().until(() -> HEARD.size() >= 7);
    assertThat(HEARD)
        .allSatisfy(heard -> {
          assertThat(heard.headers())
              .containsOnlyKeys(
                  "host",
                  "connection",
                  "user-agent",
                  "content-length",
                  "content-type",
                  "accept-encoding")
              .doesNotContainKeys("authorization");
          assertThat(heard.toString())
              .doesNotContain(key, "provider-secret", ScriptedSearch.KEY, "of-the-client");
        });
    JsonNode first = HEARD.getFirst().json();
    assertThat(first.path("request_id").asText()).startsWith("req_");
    assertThat(first.path("user").asText()).isEqualTo("ann@example.com");
    assertThat(first.path("model").asText()).isEqualTo("openai/scripted");
    assertThat(first.path("status").asText()).isEqualTo("SUCCESS");
    assertThat(first.path("http_status").asInt()).isEqualTo(200);
    assertThat(first.path("output_tokens").asInt()).isPositive();
  }

  @Test
  void aDeadWebhookIsLoggedAFewTimesAMinuteAndRequestsAreSettled() {
    String owner = broken.createKey("bob@example.com");
    try (LogLines lines = LogLines.open()) {
      for (int i = 0; i < 30; i++) {
        assertThat(broken.chat(owner, "openai/scripted", i % 2 == 0, "hello").statusCode())
            .isEqualTo(200);
      }
      List<UsageRecord> records = broken.awaitRecords(30);
      broken.application().requestLog().summarise();

      assertThat(records).extracting(UsageRecord::status).containsOnly(Status.SUCCESS);
      List<String> said =
          lines.said().stream().filter(line -> line.contains("usage-settle")).toList();
      assertThat(said).hasSizeBetween(2, 11);
      assertThat(said.getFirst())
          .contains("The route usage-settle failed after the answer", "Connect", "refused")
          .doesNotContain("secret-path");
      assertThat(said.getLast()).contains("20 more like this");
      assertThat(lines.said()).hasSizeLessThan(50);
      assertThat(
              lines.said().stream()
                  .filter(line -> line.contains("bob@example.com openai/scripted SUCCESS 200")))
          .hasSize(30);
    }
  }

  private static void chat(String message, boolean stream, int status) {
    var body = Json.object().put("model", "openai/scripted").put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", message);
    body.putArray("tools").addObject().put("type", "web_search");
    var answer =
        gateway.send(
            gateway
                .request("/v1/chat/completions?secret=of-the-client", key)
                .header("X-Client", "of-the-client")
                .POST(HttpRequest.BodyPublishers.ofString(Json.text(body)))
                .build());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
  }
}
