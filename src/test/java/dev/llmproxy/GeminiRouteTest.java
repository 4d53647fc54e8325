package dev.llmproxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.chat.EventSchemas;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.emulator.RecordedRequest;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.emulator.SignInStandIn;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * {@code POST /v1/chat/completions} with an emulator of Gemini's generateContent behind, and {@code
 * POST /v1/embeddings}.
 */
class GeminiRouteTest {
  private static final String MODEL = "gemini/gemini-3.6-flash";
  private static final String WEATHER =
      "{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":\"object\","
          + "\"properties\":{\"location\":{\"type\":\"string\"}}}}}";

  private static final String MALFORMED =
      """
      HTTP/1.1 200 OK\r
      Content-Type: text/event-stream\r
      Connection: close\r
      \r
      data: {"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}

      """;
  private static final String SPOKE_AND_MALFORMED =
      MALFORMED.replace("[{\"finish", "[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\"finish");
  private static final String ANSWER =
      MALFORMED.replace(
          "{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}",
          "{\"content\":{\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\"}");

  private static SignInStandIn google;
  private static ScriptedProvider provider;
  private static Gateway gateway;
  private static String key;

  @TempDir static Path folder;

  @BeforeAll
  static void start() {
    Path data = folder.resolve("data");
    provider = ScriptedProvider.start(ScriptedProvider.Format.GEMINI);
    google = SignInStandIn.start();
    Map<String, String> settings = new HashMap<>(google.settings());
    settings.put("LLMPROXY_ALLOWED_USERS", "ann@example.com");
    settings.put("GEMINI_BASE_URL", provider.baseUrl());
    settings.put("GEMINI_API_KEY", "own-secret");
    gateway = Gateway.start(data, settings);
    key = gateway.createKey("gemini@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
    google.close();
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void chatIsAnsweredAndItsTokensAreCounted(boolean stream) {
    HttpResponse<String> answer =
        gateway.chat(key, MODEL, stream, "one two three [[script reasoning=1]]");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    JsonNode message = stream ? message(answer) : Gateway.json(answer).at("/choices/0/message");
    assertThat(message.path("content").asText()).isEqualTo("You said: one two three");
    assertThat(message.path("reasoning_content").asText()).isEqualTo("Let me think.");
    if (!stream) {
      JsonNode usage = Gateway.json(answer).path("usage");
      assertThat(usage.at("/prompt_tokens_details/cached_tokens").asInt()).isEqualTo(7);
      assertThat(usage.at("/completion_tokens_details/reasoning_tokens").asInt()).isEqualTo(3);
    }
    UsageRecord row = record(answer);
    assertThat(row.status()).isEqualTo(Status.SUCCESS);
    assertThat(row.tokensOut()).isEqualTo(3 + 5);
    RecordedRequest asked = provider.lastRequest();
    assertThat(asked.header("x-goog-api-key")).isEqualTo("own-secret");
    assertThat(asked.headers()).doesNotContainKey("authorization");
    assertThat(asked.path())
        .isEqualTo("/v1beta/models/gemini-3.6-flash:streamGenerateContent?alt=sse");
  }

  /** The emulator refuses steps of Gemini 3 without their signature, and changed signatures. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void signaturesComeBackInTheNextTurnOfAClientThatDoesNotKeepThem(boolean stream) {
    ObjectNode request = request(MODEL, "Weather? [[script tools=2]]").put("stream", stream);
    request.putArray("tools").add(ToolChats.json(WEATHER));
    HttpResponse<String> first = gateway.post(key, Json.text(request));
    assertThat(first.statusCode()).as(first.body()).isEqualTo(200);

    JsonNode message = stream ? message(first) : Gateway.json(first).at("/choices/0/message");
    assertThat(message.path("tool_calls")).hasSize(2);
    assertThat(message.at("/tool_calls/0/extra_content/google/thought_signature").asText())
        .isNotEmpty();
    ArrayNode messages = (ArrayNode) request.path("messages");
    ObjectNode said = messages.addObject().put("role", "assistant").putNull("content");
    ArrayNode calls = said.putArray("tool_calls");
    for (JsonNode call : message.path("tool_calls")) {
      calls.add(((ObjectNode) call.deepCopy()).without("extra_content"));
      messages
          .addObject()
          .put("role", "tool")
          .put("tool_call_id", call.path("id").asText())
          .put("content", "sunny");
    }
    HttpResponse<String> second = gateway.post(key, Json.text(request));

    assertThat(second.statusCode()).as(second.body()).isEqualTo(200);
    JsonNode sent = provider.lastRequest().body().at("/contents/1/parts");
    assertThat(sent.findValuesAsText("thoughtSignature"))
        .hasSize(1)
        .doesNotContain("skip_thought_signature_validator");
  }

  @Test
  void aToolOfTheServerRunsBetweenTwoTurns() {
    ObjectNode request =
        request(MODEL, "[[script calls='calculator {\"expression\": \"6*7\"}']] How much?");
    request.putArray("tools").add(ToolChats.json(ToolChats.CALCULATOR));
    HttpResponse<String> answer = gateway.post(key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(Gateway.json(answer).at("/choices/0/message/content").asText()).contains("42");
  }

  @Test
  void aCorruptedSignatureIsLeftOut() {
    ObjectNode request = request(MODEL, "Weather?");
    ArrayNode messages = (ArrayNode) request.path("messages");
    ObjectNode call =
        messages.addObject().put("role", "assistant").putArray("tool_calls").addObject();
    call.put("id", "call_1").put("type", "function");
    call.putObject("function").put("name", "get_weather").put("arguments", "{}");
    call.putObject("extra_content").putObject("google").put("thought_signature", "changed");
    messages.addObject().put("role", "tool").put("tool_call_id", "call_1").put("content", "sun");
    request.putArray("tools").add(ToolChats.json(WEATHER));
    int before = provider.requests().size();
    HttpResponse<String> answer = gateway.post(key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(provider.requests()).hasSize(before + 2);
  }

  @Test
  void aModelThatFailsAtOnceIsAskedAgain() {
    try (PlayedProvider played = PlayedProvider.start();
        Gateway other =
            Gateway.start(
                folder.resolve("other"),
                Map.of(
                    "GEMINI_BASE_URL",
                    played.baseUrl().replace("/v1", "/v1beta"),
                    "GEMINI_API_KEY",
                    "own-secret"))) {
      String otherKey = other.createKey("gemini@example.com");
      played.play(bytes(MALFORMED, ANSWER));
      HttpResponse<String> answer = other.chat(otherKey, MODEL, true, "Hello");
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(content(answer)).isEqualTo("Hi");
      assertThat(played.asked()).isEqualTo(2);

      played.play(bytes(MALFORMED, MALFORMED, ANSWER));
      assertThat(other.chat(otherKey, MODEL, true, "Hello").statusCode()).isEqualTo(502);
      assertThat(played.asked()).isEqualTo(2);

      played.play(bytes(SPOKE_AND_MALFORMED, ANSWER));
      assertThat(other.chat(otherKey, MODEL, true, "Hello").body()).contains("event: error");
      assertThat(played.asked()).isEqualTo(1);
    }
  }

  private static List<byte[]> bytes(String... answers) {
    return Stream.of(answers).map(each -> each.getBytes(UTF_8)).toList();
  }

  @ParameterizedTest
  @CsvSource({"401, 502", "403, 502", "404, 404", "500, 502", "503, 502", "504, 504"})
  void errorsKeepTheirMeaning(int status, int expected) {
    HttpResponse<String> answer =
        gateway.chat(key, MODEL, true, "[[script status=%d]]".formatted(status));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}} | 502",
        "[{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}] | 502",
        "{\"error\":{\"code\":400,\"message\":\"User location is not supported.\",\"status\":\"FAILED_PRECONDITION\"}} | 502",
        "[{\"error\":{\"code\":400,\"message\":\"Wrong field.\",\"status\":\"INVALID_ARGUMENT\"}}] | 400"
      })
  void refusalsOfTheKeyAreNotTheClients(String body, int expected) {
    ObjectNode request = request(MODEL, "[[script status=400 body='" + body + "']]");
    HttpResponse<String> answer = gateway.post(key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(expected);
  }

  @Test
  void aRateLimitKeepsTheWaitThatItsBodyNames() {
    HttpResponse<String> answer =
        gateway.chat(key, MODEL, true, "[[script status=429 retry_after=37]]");
    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(answer.headers().firstValue("retry-after")).hasValue("37");
  }

  @Test
  void anErrorThatIsNoEventIsRead() {
    HttpResponse<String> inside =
        gateway.chat(key, MODEL, true, "[[script error=2]] one two three");
    assertThat(inside.body()).contains("event: error", "The model is overloaded.");
    HttpResponse<String> before = gateway.chat(key, MODEL, true, "[[script error=0]]");
    assertThat(before.statusCode()).isEqualTo(502);
  }

  @ParameterizedTest
  @CsvSource({"cut=2", "end=2", "end=5"})
  void anAnswerWithoutItsEndIsAnError(String mishap) {
    HttpResponse<String> answer =
        gateway.chat(key, MODEL, true, "[[script %s]] one two three".formatted(mishap));
    assertThat(answer.body()).contains("event: error").doesNotContain("[DONE]");
  }

  @Test
  void thoughtsAreThinkingEventsOfChat() {
    String form = Json.text(request(MODEL, "Hello [[script reasoning=1]]"));
    String token = google.token("ann@example.com");
    List<EventSchemas.Event> events =
        EventSchemas.events(gateway.post("/chat", token, form).body());

    assertThat(events.stream().map(EventSchemas.Event::name).distinct())
        .containsExactly("thinking", "delta", "complete");
    assertThat(
            events.stream()
                .filter(event -> event.name().equals("thinking"))
                .map(event -> event.data().path("content").asText()))
        .containsExactly("Let", " me", " think.");
  }

  @Test
  void theProviderIsCancelledWhenTheClientLeaves() throws IOException {
    int cancelled = provider.cancelled();
    ObjectNode request = request(MODEL, "[[script chunks=1000 gap=50]]").put("stream", true);
    try (RawConnection client = gateway.connect()) {
      client.post(key, Json.text(request));
      client.readUntil("word1");
    }
    Awaitility.await().until(() -> provider.cancelled() > cancelled);
  }

  @Test
  void moreThanAHundredInputsAreEmbeddedInSeveralRequests() {
    ObjectNode request = Json.object().put("model", "gemini/gemini-embedding-2");
    request.put("dimensions", 2);
    for (int i = 0; i < 101; i++) {
      request.withArray("input").add("x".repeat(i + 1));
    }
    int before = provider.requests().size();
    HttpResponse<String> answer = gateway.post("/v1/embeddings", key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    JsonNode list = Gateway.json(answer);
    assertThat(list.path("data")).hasSize(101);
    assertThat(list.at("/data/100/index").asInt()).isEqualTo(100);
    assertThat(list.at("/data/100/embedding/0").asInt()).isEqualTo(101);
    assertThat(list.at("/data/100/embedding")).hasSize(2);
    assertThat(list.at("/usage/prompt_tokens").asInt()).isPositive();
    assertThat(provider.requests()).hasSize(before + 2);
  }

  @Test
  void tokensAreNoInputForEmbeddings() {
    HttpResponse<String> answer =
        gateway.post(
            "/v1/embeddings", key, "{\"model\":\"gemini/gemini-embedding-2\",\"input\":[1,2,3]}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
  }

  private static ObjectNode request(String model, String message) {
    ObjectNode request = Json.object().put("model", model);
    request.putArray("messages").addObject().put("role", "user").put("content", message);
    return request;
  }

  private static UsageRecord record(HttpResponse<String> answer) {
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(row -> row.requestId().equals(id));
  }

  private static String content(HttpResponse<String> answer) {
    return message(answer).path("content").asText();
  }

  /** The message of a stream, joined. */
  private static ObjectNode message(HttpResponse<String> answer) {
    ObjectNode message = Json.object();
    for (ToolChats.Event event : ToolChats.events(answer.body())) {
      JsonNode delta = event.delta();
      for (String field : List.of("content", "reasoning_content")) {
        message.put(field, message.path(field).asText("") + delta.path(field).asText(""));
      }
      for (JsonNode call : delta.path("tool_calls")) {
        ArrayNode calls = message.withArray("tool_calls");
        if (call.has("id")) {
          calls.add(call);
        } else {
          ObjectNode function = (ObjectNode) calls.get(call.path("index").asInt()).get("function");
          function.put(
              "arguments",
              function.path("arguments").asText()
                  + call.path("function").path("arguments").asText());
        }
      }
    }
    return message;
  }
}
