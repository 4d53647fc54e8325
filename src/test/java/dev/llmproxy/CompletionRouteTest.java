package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.RecordedRequest;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
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
import org.junit.jupiter.params.provider.ValueSource;

/**
 * POST /v1/completions over HTTP (docs/wire-contract.md), for models with an endpoint of their own
 * and for models that answer chats.
 */
class CompletionRouteTest {
  private static final String PATH = "/v1/completions";

  /** Its provider has the endpoint. */
  private static final String OWN = "vllm/scripted";

  /** Its provider has the endpoint, but not for this model. */
  private static final String CHAT = "openai/scripted";

  private static ScriptedProvider other;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    other = ScriptedProvider.start();
    Map<String, String> settings = new HashMap<>();
    for (String name : List.of("VLLM", "MISTRAL", "DEEPSEEK")) {
      settings.put(name + "_BASE_URL", other.baseUrl());
      settings.put(name + "_API_KEY", "other-secret");
    }
    settings.put("RATE_LIMIT_ONCE", "1");
    settings.put("RESPONSE_CACHE_MB", "4");
    settings.put(
        "MODEL_ALIASES",
        "either -> openai/scripted | vllm/scripted, failing -> vllm/scripted-broken | openai/scripted");
    gateway = Gateway.start(data, settings);
    key = gateway.createKey("text@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    other.close();
  }

  @Wire("13.reply")
  @ParameterizedTest
  @ValueSource(strings = {OWN, CHAT})
  void wholeAnswersAreTextCompletions(String model) {
    HttpResponse<String> response = ask(request(model, "Say hi"));

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    JsonNode answer = Gateway.json(response);
    assertThat(answer.path("id").asText()).matches("cmpl-(?!cmpl|chatcmpl).+");
    assertThat(answer.path("object").asText()).isEqualTo("text_completion");
    assertThat(answer.path("created").isIntegralNumber()).isTrue();
    assertThat(answer.path("model").asText()).isEqualTo(model);
    assertThat(answer.path("choices").toString())
        .isEqualTo(
            "[{\"text\":\"You said: Say hi\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"stop\"}]");
    assertThat(answer.path("usage"))
        .isEqualTo(parsed("{\"prompt_tokens\":2,\"completion_tokens\":4,\"total_tokens\":6}"));
  }

  @Wire("13.stream")
  @ParameterizedTest
  @CsvSource({
    OWN + ",''",
    CHAT + ",''",
    OWN + ",n=2",
    CHAT + ",n=2",
    OWN + ",utf8=1",
    CHAT + ",reasoning=1"
  })
  void streamsHaveTheTextOfTheWholeAnswer(String model, String habit) {
    String prompt = "[[script %s]] Count to ten".formatted(habit);
    JsonNode whole = Gateway.json(ask(request(model, prompt)));

    HttpResponse<String> response = ask(streamed(request(model, prompt), true));

    assertThat(response.headers().firstValue("content-type"))
        .hasValue("text/event-stream; charset=utf-8");
    assertThat(response.body()).endsWith("data: [DONE]\n\n");
    List<JsonNode> chunks = chunks(response);
    assertThat(chunks)
        .allSatisfy(chunk -> {
          assertThat(chunk.path("object").asText()).isEqualTo("text_completion");
          assertThat(chunk.path("id")).isEqualTo(chunks.getFirst().path("id"));
          assertThat(chunk.path("model").asText()).isEqualTo(model);
          assertThat(chunk.toString()).doesNotContain("delta");
        });
    assertThat(chunks.getLast().path("choices")).isEmpty();
    assertThat(chunks.getLast().path("usage")).isEqualTo(whole.path("usage"));
    assertThat(chunks.subList(0, chunks.size() - 1)).noneMatch(chunk -> chunk.has("usage"));
    for (JsonNode choice : whole.path("choices")) {
      int index = choice.path("index").asInt();
      assertThat(text(chunks, index)).isEqualTo(choice.path("text").asText());
      assertThat(finishReasons(chunks, index))
          .containsExactly(choice.path("finish_reason").asText());
    }
  }

  @Wire("13.stream")
  @Test
  void streamWithoutTheOptionHasNoUsage() {
    HttpResponse<String> response = ask(streamed(request(OWN, "hi"), false));

    assertThat(response.body()).endsWith("data: [DONE]\n\n").doesNotContain("usage");
  }

  @Wire("13.own")
  @Test
  void modelsWithTheEndpointGetTheRequestAsItCame() {
    ObjectNode request = request(OWN, "def fib(n):").put("suffix", "\n\nprint(fib(9))");
    request.put("max_tokens", 40).put("echo", false).put("best_of", 2).put("logprobs", 3);
    request.put("temperature", 0.2).put("x_vendor", "v").putNull("user");
    request.putArray("stop").add("\n\n");

    HttpResponse<String> response = ask(request);

    assertThat(response.statusCode()).isEqualTo(200);
    RecordedRequest sent = other.lastRequest();
    assertThat(sent.path()).isEqualTo("/v1/completions");
    assertThat(sent.header("authorization")).isEqualTo("Bearer other-secret");
    ObjectNode expected = request.deepCopy();
    expected.remove("user");
    expected.put("model", "scripted").put("stream", true);
    expected.putObject("stream_options").put("include_usage", true);
    assertThat(sent.body()).hasToString(expected.toString());
    assertThat(Gateway.json(response).at("/choices/0/text").asText())
        .isEqualTo("You said: def fib(n): … \n\nprint(fib(9))");
  }

  @Wire("13.chat")
  @Test
  void otherModelsGetAChat() {
    ObjectNode request = request(CHAT, "Say hi");
    request.put("best_of", 3).put("logprobs", 2).put("temperature", 0.2).put("x_vendor", "v");
    request.putNull("suffix");

    HttpResponse<String> response = ask(request);

    assertThat(response.headers().firstValue("x-llmproxy-dropped")).hasValue("best_of");
    RecordedRequest sent = gateway.provider().lastRequest();
    assertThat(sent.path()).isEqualTo("/v1/chat/completions");
    ObjectNode body = (ObjectNode) sent.body().deepCopy();
    body.remove(List.of("stream", "stream_options"));
    assertThat(body.toString())
        .isEqualTo(
            "{\"model\":\"scripted\",\"temperature\":0.2,\"x_vendor\":\"v\","
                + "\"messages\":[{\"role\":\"user\",\"content\":\"Say hi\"}],"
                + "\"logprobs\":true,\"top_logprobs\":2,\"max_completion_tokens\":16}");
  }

  @Wire("13.tokens")
  @Test
  void answerHasSixteenTokensByDefault() {
    ask(request(OWN, "hi"));

    assertThat(other.lastRequest().body().path("max_tokens").asInt()).isEqualTo(16);
  }

  @Wire("13.prompts")
  @Test
  void severalPromptsHaveChoicesCountedThrough() {
    ObjectNode request = Json.object().put("model", OWN).put("n", 2);
    request.putArray("prompt").add("one").add("two");

    JsonNode answer = Gateway.json(ask(request));

    assertThat(answer.path("choices").valueStream().map(one -> one.path("index").asInt()))
        .containsExactly(0, 1, 2, 3);
    assertThat(other.lastRequest().body().path("prompt").toString()).isEqualTo("[\"one\",\"two\"]");
    assertThat(other.lastRequest().body().path("n").asInt()).isEqualTo(2);
  }

  @Wire("13.prompts")
  @Test
  void singlePromptInAnArrayIsAChatToo() {
    ObjectNode request = Json.object().put("model", CHAT);
    request.putArray("prompt").add("one");

    assertThat(Gateway.json(ask(request)).at("/choices/0/text").asText())
        .isEqualTo("You said: one");
  }

  @Wire({"13.chat", "13.prompts", "13.request"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        CHAT + " | \"prompt\":\"a\",\"suffix\":\"b\"     | suffix",
        CHAT + " | \"prompt\":[\"a\",\"b\"]              | prompt",
        CHAT + " | \"prompt\":\"a\",\"echo\":true        | echo",
        CHAT + " | \"prompt\":\"a\",\"max_tokens\":0     | max_tokens",
        OWN + "  | \"prompt\":[1,2,3]                    | prompt",
        OWN + "  | \"prompt\":[[1,2],[3]]                | prompt",
        OWN + "  | \"prompt\":[\"a\",1]                  | prompt",
        OWN + "  | \"prompt\":[]                         | prompt",
        OWN + "  | \"prompt\":[[]]                       | prompt",
        OWN + "  | \"prompt\":7                          | prompt",
        OWN + "  | \"prompt\":null                       | prompt",
        OWN + "  | \"user\":\"u\"                        | prompt",
        OWN + "  | \"prompt\":\"a\",\"logprobs\":true    | logprobs",
        OWN + "  | \"prompt\":\"a\",\"logprobs\":21      | logprobs",
        OWN + "  | \"prompt\":\"a\",\"max_tokens\":-1    | max_tokens",
        OWN + "  | \"prompt\":\"a\",\"max_tokens\":1.5   | max_tokens",
        OWN + "  | \"prompt\":\"a\",\"n\":0              | n",
        OWN + "  | \"prompt\":\"a\",\"best_of\":-1       | best_of",
        OWN + "  | \"prompt\":\"a\",\"suffix\":7         | suffix",
        OWN + "  | \"prompt\":\"a\",\"stop\":[1]         | stop",
        OWN + "  | \"prompt\":\"a\",\"stream\":\"yes\"   | stream",
        OWN + "  | \"prompt\":\"a\",\"temperature\":3    | temperature",
      })
  void whatCannotBeAnsweredIsRefusedWithItsField(String model, String fields, String param) {
    int asked = gateway.provider().requests().size() + other.requests().size();

    HttpResponse<String> response =
        gateway.post(PATH, key, "{\"model\":\"" + model + "\"," + fields + "}");

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/param").asText()).isEqualTo(param);
    assertThat(gateway.provider().requests().size() + other.requests().size()).isEqualTo(asked);
  }

  @Wire("13.own")
  @Test
  void suffixGoesToTheTargetOfAnAliasThatTakesIt() {
    HttpResponse<String> plain = ask(request("either", "a"));
    HttpResponse<String> filled = ask(request("either", "a").put("suffix", "b"));

    assertThat(plain.headers().firstValue("x-llmproxy-model")).hasValue("openai/scripted");
    assertThat(filled.headers().firstValue("x-llmproxy-model")).hasValue("vllm/scripted");
    assertThat(Gateway.json(filled).path("model").asText()).isEqualTo("either");
  }

  @Test
  void anotherTargetThatAnswersChatsFollowsAFailure() {
    HttpResponse<String> response = ask(request("failing", "hi"));

    assertThat(Gateway.json(response).at("/choices/0/text").asText()).isEqualTo("You said: hi");
    assertThat(response.headers().firstValue("x-llmproxy-tried").orElseThrow())
        .startsWith("vllm/scripted-broken");
  }

  @Test
  void suffixIsNotLostWhenTheTargetThatTakesItFails() {
    HttpResponse<String> response = ask(request("failing", "hi").put("suffix", "b"));

    assertThat(response.statusCode()).isEqualTo(502);
  }

  @Wire("13.own")
  @Test
  void endpointsOfOtherPathsAndFieldsAreAsked() {
    ObjectNode fim = request("mistral/codestral-2508", "a").put("suffix", "b").put("seed", 1);
    fim.put("user", "u").put("logprobs", 1);

    HttpResponse<String> response = ask(fim);

    RecordedRequest sent = other.lastRequest();
    assertThat(sent.path()).isEqualTo("/v1/fim/completions");
    assertThat(sent.body().toString())
        .isEqualTo(
            "{\"model\":\"codestral-2508\",\"prompt\":\"a\",\"suffix\":\"b\",\"max_tokens\":16,"
                + "\"random_seed\":1,\"stream\":true}");
    assertThat(response.headers().firstValue("x-llmproxy-dropped")).hasValue("logprobs, user");
    ask(request("deepseek/deepseek-v4-pro", "a").put("suffix", "b"));
    assertThat(other.lastRequest().path()).isEqualTo("/v1/beta/completions");
    ask(request("mistral/mistral-large-4", "a"));
    assertThat(other.lastRequest().path()).isEqualTo("/v1/chat/completions");
    ask(request("openai/gpt-3.5-turbo-instruct", "a"));
    assertThat(gateway.provider().lastRequest().path()).isEqualTo("/v1/completions");
  }

  @Wire("13.logprobs")
  @Test
  void probabilitiesOfChatsHaveTheFormOfTexts() {
    JsonNode whole =
        Gateway.json(ask(request(CHAT, "[[script logprobs=1]] hi").put("logprobs", 1)));
    List<JsonNode> chunks =
        chunks(ask(streamed(request(CHAT, "[[script logprobs=1]] hi").put("logprobs", 1), false)));

    JsonNode logprobs = whole.at("/choices/0/logprobs");
    List<JsonNode> fields = new ArrayList<>();
    for (String field : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
      List<JsonNode> streamed = new ArrayList<>();
      chunks.forEach(chunk -> chunk.at("/choices/0/logprobs").path(field).forEach(streamed::add));
      assertThat(streamed).as(field).isEqualTo(logprobs.path(field).valueStream().toList());
      fields.add(logprobs.path(field));
    }
    assertThat(fields.getFirst()).isNotEmpty();
    assertThat(fields).allMatch(field -> field.size() == fields.getFirst().size());
    assertThat(logprobs.path("text_offset").get(0).asInt()).isZero();
    assertThat(logprobs.has("content")).isFalse();
  }

  @Wire({"13.errors", "6.ratelimit"})
  @ParameterizedTest
  @CsvSource({
    "'', 401",
    "nobody/nothing, 404",
    "vllm/scripted-busy, 429",
    "vllm/scripted-picky, 400",
    "vllm/scripted-broken, 502",
    "openai/scripted-broken, 502"
  })
  void failuresBeforeTheAnswerHaveAStatus(String model, int status) {
    ObjectNode request = streamed(request(model.isEmpty() ? OWN : model, "hi"), false);

    HttpResponse<String> response =
        gateway.post(PATH, model.isEmpty() ? "sk-wrong" : key, Json.text(request));

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(Gateway.json(response).at("/error/message").asText()).isNotEmpty();
  }

  @Wire("13.errors")
  @ParameterizedTest
  @ValueSource(strings = {OWN, CHAT})
  void failureInTheMiddleIsTheLastEvent(String model) {
    HttpResponse<String> response =
        ask(streamed(request(model, "[[script chunks=9 cut=4]] hi"), true));

    List<String> lines = response.body().lines().filter(line -> !line.isEmpty()).toList();
    assertThat(lines.get(lines.size() - 2)).isEqualTo("event: error");
    assertThat(lines.getLast()).startsWith("data: {\"error\":{");
    assertThat(response.body()).contains("word1").doesNotContain("[DONE]");
    assertThat(record(response).status()).isEqualTo(Status.ERROR);
  }

  @Wire("13.record")
  @ParameterizedTest
  @ValueSource(strings = {OWN, CHAT})
  void requestIsRecordedAsAChatWithItsTokens(String model) {
    HttpResponse<String> response = ask(request(model, "Say hi"));

    UsageRecord record = record(response);
    assertThat(record.status()).isEqualTo(Status.SUCCESS);
    assertThat(record.type()).isEqualTo("chat");
    assertThat(record.model()).isEqualTo(model);
    assertThat(record.tokensIn()).isEqualTo(2);
    assertThat(record.tokensOut()).isEqualTo(4);
    if (model.equals(OWN)) {
      // Models on the operator's own machine cost nothing.
      assertThat(record.cost()).isZero();
    }
  }

  @Wire("13.record")
  @Test
  void limitOfRequestsCounts() {
    String once = gateway.createKey("once@example.com", "once");
    String body = Json.text(request(OWN, "hi"));

    assertThat(gateway.post(PATH, once, body).statusCode()).isEqualTo(200);
    assertThat(gateway.post(PATH, once, body).statusCode()).isEqualTo(429);
  }

  @ParameterizedTest
  @ValueSource(strings = {OWN, CHAT})
  void clientThatLeavesEndsTheRequestToTheProvider(String model) throws IOException {
    ScriptedProvider provider = model.equals(OWN) ? other : gateway.provider();
    int cancelled = provider.cancelled();
    ObjectNode request = streamed(request(model, "[[script chunks=3 hold=2]] hi"), false);

    try (RawConnection client = gateway.connect()) {
      client.post(PATH, key, Json.text(request));
      client.readUntil("word2");
    }

    Awaitility.await().until(() -> provider.cancelled() == cancelled + 1);
    assertThat(gateway.awaitRecord(record -> record.status() == Status.CANCELLED).type())
        .isEqualTo("chat");
  }

  /** The answers differ, although the texts of the requests are the same. */
  @Test
  void cachedAnswersOfChatsAndTextsAreNotMixed() {
    ObjectNode text = request(OWN, "cached").put("temperature", 0).put("suffix", "b");
    ObjectNode other = request(OWN, "cached").put("temperature", 0).put("suffix", "c");

    assertThat(cache(ask(text))).isEqualTo("miss");
    assertThat(cache(ask(text))).isEqualTo("hit");
    assertThat(cache(ask(other))).isEqualTo("miss");
    ObjectNode chat = Json.object().put("model", OWN).put("temperature", 0).put("max_tokens", 16);
    chat.putArray("messages").addObject().put("role", "user").put("content", "same");
    gateway.post(key, Json.text(chat));
    HttpResponse<String> same = ask(request(OWN, "same").put("temperature", 0));
    assertThat(cache(same)).isEqualTo("miss");
  }

  private static String cache(HttpResponse<String> response) {
    return response.headers().firstValue("x-llmproxy-cache").orElse("");
  }

  private static ObjectNode request(String model, String prompt) {
    return Json.object().put("model", model).put("prompt", prompt);
  }

  private static ObjectNode streamed(ObjectNode request, boolean withUsage) {
    request.put("stream", true);
    if (withUsage) {
      request.putObject("stream_options").put("include_usage", true);
    }
    return request;
  }

  private static HttpResponse<String> ask(ObjectNode request) {
    return gateway.post(PATH, key, Json.text(request));
  }

  private static UsageRecord record(HttpResponse<String> response) {
    String id = response.headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(record -> record.requestId().equals(id));
  }

  private static List<JsonNode> chunks(HttpResponse<String> response) {
    List<JsonNode> chunks = new ArrayList<>();
    response
        .body()
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .forEach(line -> chunks.add(parsed(line.substring("data: ".length()))));
    return chunks;
  }

  private static JsonNode parsed(String json) {
    try {
      return Json.parse(json);
    } catch (IOException e) {
      throw new IllegalStateException("Not JSON: " + json, e);
    }
  }

  private static String text(List<JsonNode> chunks, int index) {
    StringBuilder text = new StringBuilder();
    for (JsonNode chunk : chunks) {
      for (JsonNode choice : chunk.path("choices")) {
        if (choice.path("index").asInt() == index) {
          text.append(choice.path("text").asText());
        }
      }
    }
    return text.toString();
  }

  private static List<String> finishReasons(List<JsonNode> chunks, int index) {
    List<String> reasons = new ArrayList<>();
    for (JsonNode chunk : chunks) {
      for (JsonNode choice : chunk.path("choices")) {
        if (choice.path("index").asInt() == index && choice.path("finish_reason").isTextual()) {
          reasons.add(choice.path("finish_reason").asText());
        }
      }
    }
    return reasons;
  }
}
