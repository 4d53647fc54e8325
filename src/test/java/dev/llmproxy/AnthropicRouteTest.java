package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.chat.EventSchemas;
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
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code POST /v1/chat/completions} with an emulator of Anthropic's Messages API behind. */
class AnthropicRouteTest {
  private static final String MODEL = "anthropic/claude-opus-5";
  private static final String WEATHER =
      "{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":\"object\","
          + "\"properties\":{\"location\":{\"type\":\"string\"}}}}}";

  private static SignInStandIn google;
  private static ScriptedProvider provider;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    provider = ScriptedProvider.start(ScriptedProvider.Format.ANTHROPIC);
    google = SignInStandIn.start();
    Map<String, String> settings = new HashMap<>(google.settings());
    settings.put("LLMPROXY_ALLOWED_USERS", "ann@example.com");
    settings.put("ANTHROPIC_BASE_URL", provider.baseUrl());
    settings.put("ANTHROPIC_API_KEY", "sk-ant-secret");
    gateway = Gateway.start(data, settings);
    key = gateway.createKey("anthropic@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
    google.close();
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void chatIsAnsweredAndItsCacheReadsAreCounted(boolean stream) {
    HttpResponse<String> answer = gateway.chat(key, MODEL, stream, "one two three");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    if (!stream) {
      JsonNode completion = Gateway.json(answer);
      assertThat(completion.at("/choices/0/message/content").asText())
          .isEqualTo("You said: one two three");
      assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
      assertThat(completion.path("model").asText()).isEqualTo(MODEL);
      assertThat(completion.at("/usage/prompt_tokens").asInt()).isEqualTo(3 + 7);
      assertThat(completion.at("/usage/prompt_tokens_details/cached_tokens").asInt()).isEqualTo(7);
      assertThat(completion.at("/usage/completion_tokens").asInt()).isEqualTo(5);
    } else {
      assertThat(content(answer)).isEqualTo("You said: one two three");
      assertThat(answer.body()).endsWith("data: [DONE]\n\n");
    }
    UsageRecord row = record(answer);
    assertThat(row.status()).isEqualTo(Status.SUCCESS);
    assertThat(row.tokensIn()).isEqualTo(10);
    assertThat(row.tokensOut()).isEqualTo(5);
    RecordedRequest asked = provider.lastRequest();
    assertThat(asked.header("x-api-key")).isEqualTo("sk-ant-secret");
    assertThat(asked.headers()).doesNotContainKey("authorization");
    assertThat(asked.body().path("stream").asBoolean()).isTrue();
  }

  /** The emulator refuses thoughts that have changed and turns that go on without them. */
  @ParameterizedTest
  @CsvSource({
    "true,  anthropic/claude-opus-5",
    "false, anthropic/claude-opus-5",
    "true,  anthropic/claude-haiku-4-5",
    "false, anthropic/claude-haiku-4-5"
  })
  void thoughtsComeBackInTheNextTurnOfAClientThatDoesNotKeepThem(boolean stream, String model) {
    ObjectNode request = request(model, "Weather? [[script tools=2 reasoning=1]]");
    request.put("reasoning_effort", "low").put("stream", stream);
    request.putArray("tools").add(ToolChats.json(WEATHER));
    HttpResponse<String> first = gateway.post(key, Json.text(request));
    assertThat(first.statusCode()).as(first.body()).isEqualTo(200);

    JsonNode message = stream ? message(first) : Gateway.json(first).at("/choices/0/message");
    assertThat(message.path("reasoning_content").asText()).isEqualTo("Let me think.");
    assertThat(message.path("tool_calls")).hasSize(2);
    ArrayNode messages = (ArrayNode) request.path("messages");
    ObjectNode said = messages.addObject().put("role", "assistant").putNull("content");
    said.set("tool_calls", message.path("tool_calls"));
    for (JsonNode call : message.path("tool_calls")) {
      messages
          .addObject()
          .put("role", "tool")
          .put("tool_call_id", call.path("id").asText())
          .put("content", "sunny");
    }
    HttpResponse<String> second = gateway.post(key, Json.text(request));

    assertThat(second.statusCode()).as(second.body()).isEqualTo(200);
    JsonNode sent = provider.lastRequest().body().at("/messages/1/content");
    assertThat(sent.findValuesAsText("type"))
        .containsExactly("thinking", "redacted_thinking", "tool_use", "tool_use");
  }

  @Test
  void aToolOfTheServerRunsBetweenTwoTurns() {
    ObjectNode request =
        request(
            MODEL, "[[script reasoning=1 calls='calculator {\"expression\": \"6*7\"}']] How much?");
    request.putArray("tools").add(ToolChats.json(ToolChats.CALCULATOR));
    HttpResponse<String> answer = gateway.post(key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(Gateway.json(answer).at("/choices/0/message/content").asText()).contains("42");
    JsonNode sent = provider.lastRequest().body();
    assertThat(sent.at("/messages/1/content").findValuesAsText("type"))
        .containsExactly("thinking", "redacted_thinking", "tool_use");
    assertThat(sent.at("/messages/2/content/0").has("is_error")).isFalse();
  }

  @Test
  void aFailedToolOfTheServerIsMarked() {
    ObjectNode request =
        request(MODEL, "[[script calls='calculator {\"expression\": \"6/\"}']] How much?");
    request.putArray("tools").add(ToolChats.json(ToolChats.CALCULATOR));
    assertThat(gateway.post(key, Json.text(request)).statusCode()).isEqualTo(200);
    assertThat(provider.lastRequest().body().at("/messages/2/content/0/is_error").asBoolean())
        .isTrue();
  }

  @Test
  void whatTheProviderDoesNotGetIsNamed() {
    ObjectNode request = request(MODEL, "Hello");
    request.put("seed", 1).put("temperature", 0.5);
    HttpResponse<String> answer = gateway.post(key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-llmproxy-dropped")).hasValue("seed, temperature");
    assertThat(gateway.chat(key, MODEL, false, "Hello").headers().firstValue("x-llmproxy-dropped"))
        .isEmpty();
  }

  @Test
  void aSchemaIsFollowedByModelsWithAndWithoutSchemas() {
    for (String model : List.of(MODEL, "anthropic/claude-opus-4-1")) {
      ObjectNode request = request(model, "Describe [[script json=1]]");
      request
          .putObject("response_format")
          .put("type", "json_schema")
          .putObject("json_schema")
          .put("name", "city")
          .set(
              "schema",
              ToolChats.json(
                  "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}"));
      HttpResponse<String> answer = gateway.post(key, Json.text(request));
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      JsonNode choice = Gateway.json(answer).at("/choices/0");
      assertThat(ToolChats.json(choice.at("/message/content").asText()).path("name").asText())
          .isEqualTo("Paris");
      assertThat(choice.at("/message").has("tool_calls")).isFalse();
      assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "400, 400, ",
    "401, 502, upstream_auth_error",
    "402, 429, insufficient_quota",
    "403, 502, upstream_auth_error",
    "404, 404, ",
    "413, 413, ",
    "500, 502, upstream_error",
    "504, 504, upstream_timeout",
    "529, 503, overloaded"
  })
  void errorsKeepTheirMeaning(int status, int expected, String code) {
    HttpResponse<String> answer =
        gateway.chat(key, MODEL, true, "[[script status=%d]]".formatted(status));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(expected);
    assertThat(Gateway.json(answer).at("/error/code").textValue()).isEqualTo(code);
  }

  @Test
  void aRateLimitKeepsItsWait() {
    HttpResponse<String> answer =
        gateway.chat(key, MODEL, true, "[[script status=429 retry_after=7]]");
    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(answer.headers().firstValue("retry-after")).hasValue("7");
  }

  @Test
  void anOverloadBeforeTheFirstContentHasAStatusAndALaterOneIsAnEvent() {
    HttpResponse<String> before = gateway.chat(key, MODEL, true, "[[script error=0]]");
    assertThat(before.statusCode()).isEqualTo(503);
    HttpResponse<String> inside =
        gateway.chat(key, MODEL, true, "[[script error=2]] one two three");
    assertThat(inside.statusCode()).isEqualTo(200);
    assertThat(inside.body()).contains("event: error").doesNotContain("[DONE]");
    assertThat(record(inside).status()).isEqualTo(Status.ERROR);
  }

  @ParameterizedTest
  @CsvSource({"cut=2", "end=2", "end=5"})
  void anAnswerWithoutItsEndIsAnError(String mishap) {
    HttpResponse<String> answer =
        gateway.chat(key, MODEL, true, "[[script %s]] one two three".formatted(mishap));
    assertThat(answer.body()).contains("event: error").doesNotContain("[DONE]");
  }

  @Test
  void thoughtsThatAnthropicRefusesAreLeftOut() {
    ObjectNode request = request(MODEL, "Weather?");
    ObjectNode said =
        request.withArray("messages").addObject().put("role", "assistant").put("content", "Sun.");
    said.putArray("thinking_blocks")
        .addObject()
        .put("type", "thinking")
        .put("thinking", "Changed.")
        .put("signature", "of-another-text");
    request.withArray("messages").addObject().put("role", "user").put("content", "Sure?");
    int before = provider.requests().size();
    HttpResponse<String> answer = gateway.post(key, Json.text(request));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(provider.requests()).hasSize(before + 2);
    assertThat(provider.lastRequest().body().at("/messages/1/content")).hasSize(1);
  }

  @Test
  void aParameterThatAModelRefusesIsLeftOutAndLearnt() {
    ObjectNode request = request("anthropic/claude-3-strict", "Hello").put("temperature", 0.5);
    int before = provider.requests().size();
    for (int asked : List.of(2, 3)) {
      HttpResponse<String> answer = gateway.post(key, Json.text(request));
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(answer.headers().firstValue("x-llmproxy-dropped")).hasValue("temperature");
      assertThat(provider.requests()).hasSize(before + asked);
    }
  }

  @Test
  void aRefusalOfAValueIsNotRepeated() {
    int before = provider.requests().size();
    assertThat(gateway.chat(key, MODEL, true, "[[script status=400]]").statusCode()).isEqualTo(400);
    assertThat(provider.requests()).hasSize(before + 1);
  }

  @Test
  void embeddingsAreRefused() {
    HttpResponse<String> answer =
        gateway.post(
            "/v1/embeddings", key, "{\"model\":\"anthropic/claude-other\",\"input\":\"Hello\"}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    assertThat(Gateway.json(answer).at("/error/param").asText()).isEqualTo("model");
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
