package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests of Anthropic's format to a provider that speaks it: they go through as they are. */
class NativeMessagesRouteTest {
  private static final String MODEL = "anthropic/claude-opus-5";
  private static final String REQUEST =
      """
      {"model":"anthropic/claude-opus-5","max_tokens":99,"stream":true,"future_field":{"a":[1]},"context_management":{"edits":[]},
       "thinking":{"type":"adaptive"},"metadata":{"user_id":"u"},
       "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
       "tools":[{"type":"bash_20250124","name":"bash"},{"type":"web_search_20260209","name":"web_search","max_uses":2}],
       "messages":[{"role":"user","content":"Hello"},
         {"role":"assistant","content":[
           {"type":"thinking","thinking":"Hm","signature":"of-anthropic"},
           {"type":"thinking","thinking":"Unsigned","signature":""},
           {"type":"redacted_thinking","data":"x"},
           {"type":"text","text":"Hi"}]},
         {"role":"user","content":[{"type":"future_block","x":1},{"type":"text","text":"And?"}]}]}\
      """;

  private static final String STREAM =
      """
      event: message_start
      data: {"type":"message_start","message":{"id":"msg_up","type":"message","role":"assistant","model":"claude-opus-5-2026","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,"output_tokens":1,"future":true}}}

      event: ping
      data: {"type": "ping"}

      event: content_block_start
      data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

      event: content_block_delta
      data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB+/="}}

      event: content_block_stop
      data: {"type":"content_block_stop","index":0}

      event: content_block_start
      data: {"type":"content_block_start","index":1,"content_block":{"type":"future_block","x":{"y":1}}}

      event: content_block_stop
      data: {"type":"content_block_stop","index":1}

      event: content_block_start
      data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

      event: content_block_delta
      data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Grün"},  "spaces":  1}

      """;

  private static final String END =
      """
      event: content_block_stop
      data: {"type":"content_block_stop","index":2}

      event: message_delta
      data: {"type":"message_delta","delta":{"stop_reason":"pause_turn","stop_sequence":null,"future":2},"usage":{"output_tokens":11}}

      event: message_stop
      data: {"type":"message_stop"}

      """;

  private static PlayedProvider provider;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    provider = PlayedProvider.start();
    gateway =
        Gateway.start(
            data,
            Map.of("ANTHROPIC_BASE_URL", provider.baseUrl(), "ANTHROPIC_API_KEY", "sk-ant-secret"));
    key = gateway.createKey("native@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
  }

  private static void plays(int status, String contentType, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            .formatted(status, contentType, bytes.length);
    provider.play(List.of((head + body).getBytes(StandardCharsets.UTF_8)));
  }

  private static HttpResponse<String> post(String request) {
    return gateway.send(
        gateway
            .request("/v1/messages?beta=true", key)
            .header("anthropic-version", "2023-06-01")
            .header("anthropic-beta", "context-1m-2025-08-07,future-2027")
            .POST(HttpRequest.BodyPublishers.ofString(request))
            .build());
  }

  private static UsageRecord record(HttpResponse<String> answer) {
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(row -> row.requestId().equals(id));
  }

  @Wire("12.native")
  @Test
  void request_goesThroughWithItsUnknownFieldsAndBetas() throws IOException {
    plays(200, "text/event-stream", STREAM + END);
    HttpResponse<String> answer = post(REQUEST);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-llmproxy-dropped")).isEmpty();
    ObjectNode expected = (ObjectNode) ToolChats.json(REQUEST);
    expected.put("model", "claude-opus-5");
    ((ArrayNode) expected.at("/messages/1/content")).remove(1);
    assertThat(Json.parse(provider.lastBody())).isEqualTo(expected);
    assertThat(provider.lastHeaders())
        .containsEntry("anthropic-beta", "context-1m-2025-08-07,future-2027")
        .containsEntry("x-api-key", "sk-ant-secret")
        .doesNotContainKey("authorization");
  }

  @Wire("12.native")
  @Test
  void stream_goesThroughByteForByteExceptForTheModel() {
    plays(200, "text/event-stream", STREAM + END);
    HttpResponse<String> answer = post(REQUEST);

    assertThat(answer.body()).isEqualTo((STREAM + END).replace("claude-opus-5-2026", MODEL));
    UsageRecord row = record(answer);
    assertThat(row.status()).isEqualTo(Status.SUCCESS);
    assertThat(row.tokensIn()).isEqualTo(57);
    assertThat(row.tokensOut()).isEqualTo(11);
  }

  @Wire("12.native")
  @Test
  void wholeMessage_goesThroughExceptForTheModel() {
    String message =
        "{\"id\":\"msg_up\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5-2026\",\"content\":[{\"type\":\"future_block\"},{\"type\":\"text\",\"text\":\"Hi\",\"citations\":null}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"container\":{\"id\":\"c\"},\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}";
    plays(200, "application/json", message);
    HttpResponse<String> answer = post(REQUEST.replace("\"stream\":true,", ""));

    assertThat(answer.body()).isEqualTo(message.replace("claude-opus-5-2026", MODEL));
    assertThat(answer.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(record(answer).tokensOut()).isEqualTo(2);
  }

  @Wire("12.native")
  @Test
  void failureInTheMiddle_isTheLastEventAndRecorded() {
    for (String end :
        List.of(
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Busy\"}}\n\n",
            "")) {
      plays(200, "text/event-stream", STREAM + end);
      HttpResponse<String> answer = post(REQUEST);

      List<ToolChats.Event> events = ToolChats.events(answer.body());
      JsonNode last = events.getLast().json();
      assertThat(events.getLast().name()).isEqualTo("error");
      assertThat(last.at("/error/type").asText())
          .isEqualTo(end.isEmpty() ? "api_error" : "overloaded_error");
      assertThat(answer.body()).doesNotContain("message_stop").contains("\"request_id\"");
      assertThat(record(answer).status()).isEqualTo(Status.ERROR);
    }
  }

  @Test
  void refusal_keepsTheProvidersMessage() {
    plays(
        400,
        "application/json",
        "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 212345 tokens > 200000 maximum\"}}");
    HttpResponse<String> answer = post(REQUEST);

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(answer).at("/error/message").asText())
        .isEqualTo("prompt is too long: 212345 tokens > 200000 maximum");
  }

  @Test
  void thoughtsOfAnotherModel_areNotSentToAnthropic() throws IOException {
    ObjectNode asked = Json.object().put("model", "openai/scripted").put("max_tokens", 99);
    asked.putObject("thinking").put("type", "adaptive");
    asked
        .putArray("messages")
        .addObject()
        .put("role", "user")
        .put("content", "Hi [[script reasoning=1]]");
    JsonNode first = Gateway.json(post(Json.text(asked)));
    assertThat(first.at("/content/0/type").asText()).as(first.toString()).isEqualTo("thinking");
    assertThat(first.at("/content/0/signature").asText()).isNotEmpty();

    plays(200, "application/json", "{}");
    ObjectNode next = asked.deepCopy().put("model", MODEL);
    ArrayNode messages = (ArrayNode) next.path("messages");
    messages.addObject().put("role", "assistant").set("content", first.path("content"));
    messages.addObject().put("role", "user").put("content", "And?");
    HttpResponse<String> unused = post(Json.text(next));
    assertThat(Json.parse(provider.lastBody()).at("/messages/1/content").findValuesAsText("type"))
        .containsExactly("text");
  }
}
