package dev.llmproxy;

import static dev.llmproxy.ToolChats.CALCULATOR;
import static dev.llmproxy.ToolChats.SEARCH;
import static dev.llmproxy.ToolChats.SEARCHES;
import static dev.llmproxy.ToolChats.content;
import static dev.llmproxy.ToolChats.finishReasons;
import static dev.llmproxy.ToolChats.notifications;
import static dev.llmproxy.ToolChats.request;
import static dev.llmproxy.ToolChats.script;
import static dev.llmproxy.ToolChats.told;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.ToolChats.Event;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Limits, timeouts and disconnects of chats with tools. */
class ToolLimitsRouteTest {
  private static final String ADDS = "calculator {\"expression\": \"1+1\"}";

  @TempDir Path data;

  @Test
  void theTurnLimitEndsTheChatWithASentence() {
    try (Gateway gateway = Gateway.start(data, Map.of("CHAT_TURNS", "2"))) {
      ToolChats chats = new ToolChats(gateway, gateway.createKey("turns@example.com"));
      ObjectNode request = request(script(ADDS + " | " + ADDS + " | " + ADDS), CALCULATOR);
      request.putObject("stream_options").put("include_usage", true);

      List<Event> events = chats.stream(request);

      assertThat(gateway.provider().requests()).hasSize(2);
      assertThat(told(notifications(events))).hasSize(4);
      assertThat(content(events)).contains("limit of 2 turns");
      assertThat(finishReasons(events)).containsExactly("length");
      JsonNode usage = events.get(events.size() - 2).json().path("usage");
      assertThat(usage.path("completion_tokens").asInt()).isEqualTo(2);
      assertThat(events.getLast().data()).isEqualTo("[DONE]");
      JsonNode whole = chats.complete(request, null).at("/choices/0");
      assertThat(whole.at("/message/content").asText()).contains("limit of 2 turns");
      assertThat(whole.path("finish_reason").asText()).isEqualTo("length");
      assertThat(gateway.awaitRecords(2)).extracting(UsageRecord::turns).containsOnly(2);
    }
  }

  @Test
  void theTimeLimitEndsTheChatWithASentence() {
    try (Gateway gateway = Gateway.start(data, Map.of("CHAT_SECONDS", "1"))) {
      ToolChats chats = new ToolChats(gateway, gateway.createKey("time@example.com"));

      List<Event> events =
          chats.stream(request("[[script ttft=1100 calls='" + ADDS + "']]", CALCULATOR));

      assertThat(gateway.provider().requests()).hasSize(1);
      assertThat(content(events)).contains("limit of 1 seconds");
      assertThat(finishReasons(events)).containsExactly("length");
    }
  }

  @Test
  void theCostLimitEndsTheChatWithASentence() {
    try (Gateway gateway = Gateway.start(data, Map.of("CHAT_COST_DOLLARS", "0.000001"))) {
      ToolChats chats = new ToolChats(gateway, gateway.createKey("cost@example.com"));

      ObjectNode priced = request(script(ADDS), CALCULATOR).put("model", "openai/gpt-4o");
      assertThat(content(chats.stream(priced))).contains("limit of 0.000001 US dollars");

      assertThat(content(chats.stream(request(script(ADDS), CALCULATOR))))
          .as("a model without a price")
          .isEqualTo("The tool said: 2");
    }
  }

  @Test
  void invalidLimitsFailStartup() {
    for (Map<String, String> wrong :
        List.of(
            Map.of("CHAT_TURNS", "0"),
            Map.of("CHAT_SECONDS", "0"),
            Map.of("CHAT_COST_DOLLARS", "much"))) {
      assertThatThrownBy(() -> Gateway.start(data, wrong).close())
          .hasStackTraceContaining(wrong.keySet().iterator().next());
    }
  }

  @Test
  void aHangingToolFailsAndTheChatContinues() throws IOException {
    try (HangingEngine engine = new HangingEngine();
        Gateway gateway = Gateway.start(data, engine.settings(5))) {
      ToolChats chats = new ToolChats(gateway, gateway.createKey("hang@example.com"));

      List<Event> events = chats.stream(request(script(SEARCHES), SEARCH));

      assertThat(told(notifications(events)))
          .containsExactly("web_search started", "web_search failed");
      assertThat(content(events)).contains("no answer within 5 seconds");
      assertThat(finishReasons(events)).containsExactly("stop");
      assertThat(engine.hungUp()).isTrue();
    }
  }

  @Test
  void aDisconnectStopsARunningToolAndTheChat() throws Exception {
    try (HangingEngine engine = new HangingEngine();
        Gateway gateway = Gateway.start(data, engine.settings(600))) {
      String key = gateway.createKey("leaves@example.com");
      try (RawConnection client = gateway.connect()) {
        client.post(key, Json.text(request(script(SEARCHES), SEARCH).put("stream", true)));
        assertThat(engine.asked()).isTrue();
      }

      assertThat(engine.hungUp()).isTrue();
      UsageRecord record = gateway.awaitRecords(1).getFirst();
      assertThat(record.status()).isEqualTo(Status.CANCELLED);
      assertThat(record.turns()).isEqualTo(1);
      assertThat(record.toolCalls()).isEqualTo(1);
      assertThat(record.tokensOut()).isEqualTo(1);
      assertThat(gateway.provider().requests()).hasSize(1);
    }
  }

  @Test
  void aDisconnectDuringTheFirstSearchUsesNoTokens() throws Exception {
    try (HangingEngine engine = new HangingEngine()) {
      Map<String, String> settings = new HashMap<>(engine.settings(600));
      settings.put("LOCAL_MODEL", "on");
      try (Gateway gateway = Gateway.start(data, settings)) {
        String key = gateway.createKey("early@example.com");
        try (RawConnection client = gateway.connect()) {
          client.post(
              key,
              Json.text(
                  request("hi", SEARCH)
                      .put("model", "local/smollm2-135m-instruct")
                      .put("stream", true)));
          assertThat(engine.asked()).isTrue();
        }

        UsageRecord record = gateway.awaitRecords(1).getFirst();
        assertThat(record.status()).isEqualTo(Status.CANCELLED);
        assertThat(record.turns()).isZero();
        assertThat(record.toolCalls()).isEqualTo(1);
        assertThat(record.tokensIn()).isZero();
      }
    }
  }

  @Test
  void aDisconnectInALaterTurnCancelsTheProvider() throws Exception {
    try (Gateway gateway = Gateway.start(data)) {
      String key = gateway.createKey("later@example.com");
      byte[] body =
          Json.bytes(
              request("[[script calls='" + ADDS + "' gap=50 chunks=10000]]", CALCULATOR)
                  .put("stream", true));
      var response =
          java.net.http.HttpClient.newHttpClient()
              .send(
                  gateway
                      .request("/v1/chat/completions", key)
                      .POST(java.net.http.HttpRequest.BodyPublishers.ofByteArray(body))
                      .build(),
                  java.net.http.HttpResponse.BodyHandlers.ofInputStream());
      try (InputStream stream = response.body()) {
        StringBuilder read = new StringBuilder();
        while (read.indexOf("word3") < 0) {
          read.append((char) stream.read());
        }
      }

      Awaitility.await().until(() -> gateway.provider().cancelled() == 1);
      UsageRecord record = gateway.awaitRecords(1).getFirst();
      assertThat(record.status()).isEqualTo(Status.CANCELLED);
      assertThat(record.turns()).isEqualTo(2);
      assertThat(record.toolCalls()).isEqualTo(1);
    }
  }

  /** A search engine that never answers and notices when the client disconnects. */
  private static final class HangingEngine implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch hungUp = new CountDownLatch(1);

    HangingEngine() throws IOException {
      Thread.ofVirtual().start(this::serve);
    }

    /** Settings that use this engine and limit tool calls; the engine's own limit is longer. */
    Map<String, String> settings(int toolSeconds) {
      return Map.of(
          "SEARXNG_URL",
          "http://127.0.0.1:" + server.getLocalPort(),
          "TOOL_TIMEOUT_SECONDS",
          String.valueOf(toolSeconds),
          "SEARCH_ENGINE_SECONDS",
          "600");
    }

    boolean asked() throws InterruptedException {
      return asked.await(60, TimeUnit.SECONDS);
    }

    boolean hungUp() {
      try {
        return hungUp.await(60, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    private void serve() {
      try (Socket socket = server.accept()) {
        InputStream in = socket.getInputStream();
        in.read();
        asked.countDown();
        while (in.read() >= 0) {}
        hungUp.countDown();
      } catch (IOException e) {
        hungUp.countDown();
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
