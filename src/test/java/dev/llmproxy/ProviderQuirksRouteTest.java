package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.ScriptedProvider;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The requests that the shipped providers get for a chat that uses everything. */
class ProviderQuirksRouteTest {
  private static final String CHAT =
      """
      {"model": "MODEL", "temperature": 0.5, "top_p": 0.9, "n": 1, "stop": ["x"], "seed": 5, "user": "u",
       "max_completion_tokens": 50, "store": false, "metadata": {"a": "b"}, "logit_bias": {"1": 2}, "presence_penalty": 0.1,
       "frequency_penalty": 0.1, "logprobs": false, "parallel_tool_calls": true, "tool_choice": "required",
       "reasoning_effort": "low", "verbosity": "low", "stream_options": {"include_usage": true}, "no_such_field": 1,
       "tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": {"type": "object", "properties": {}}}}],
       "messages": [
        {"role": "developer", "content": "d"},
        {"role": "user", "name": "ann", "content": "[[script chunks=2]]"},
        {"role": "assistant", "content": "c", "reasoning_content": "why",
         "tool_calls": [{"id": "call_of_another_provider", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_of_another_provider", "content": "t"},
        {"role": "user", "content": "[[script chunks=2]]"}]}
      """;

  /** The fields of Mistral's request (mistralai 3.7.0, chatcompletionrequest.py). */
  private static final Set<String> MISTRAL =
      Set.of(
          "model",
          "messages",
          "temperature",
          "top_p",
          "max_tokens",
          "min_tokens",
          "stream",
          "stop",
          "random_seed",
          "metadata",
          "response_format",
          "tools",
          "tool_choice",
          "presence_penalty",
          "frequency_penalty",
          "repetition_penalty",
          "top_k",
          "logprobs",
          "top_logprobs",
          "prompt_logprobs",
          "top_prompt_logprobs",
          "n",
          "prediction",
          "parallel_tool_calls",
          "reasoning_effort",
          "prompt_mode",
          "guardrails");

  /** The fields of its messages, by role (assistantmessage.py and so on). */
  private static final Map<String, Set<String>> MISTRAL_MESSAGES =
      Map.of(
          "system", Set.of("role", "content"),
          "user", Set.of("role", "content"),
          "assistant", Set.of("role", "content", "tool_calls", "prefix"),
          "tool", Set.of("role", "content", "tool_call_id", "name"));

  private static ScriptedProvider server;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path folder) {
    server = ScriptedProvider.start();
    Map<String, String> settings = new HashMap<>();
    for (String name :
        List.of(
            "CEREBRAS",
            "COHERE",
            "DEEPSEEK",
            "FIREWORKS",
            "GROQ",
            "MISTRAL",
            "MOONSHOT",
            "NOVITA",
            "OPENROUTER",
            "SAMBANOVA",
            "TOGETHER",
            "XAI",
            "ZAI",
            "OPENAI",
            "VLLM")) {
      settings.put(name + "_API_KEY", "secret");
      settings.put(name + "_BASE_URL", server.baseUrl());
    }
    gateway = Gateway.start(folder, settings);
    key = gateway.createKey("ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    server.close();
  }

  @Test
  void mistralGetsOnlyWhatItKnows() throws JsonProcessingException {
    JsonNode sent = sent("mistral/mistral-large-4");
    sent.fieldNames().forEachRemaining(field -> assertThat(MISTRAL).contains(field));
    assertThat(sent.path("random_seed").asInt()).isEqualTo(5);
    assertThat(sent.path("max_tokens").asInt()).isEqualTo(50);
    for (JsonNode message : sent.path("messages")) {
      Set<String> known = MISTRAL_MESSAGES.get(message.path("role").asText());
      message.fieldNames().forEachRemaining(field -> assertThat(known).contains(field));
    }
    String id = sent.at("/messages/2/tool_calls/0/id").asText();
    assertThat(id).matches("[A-Za-z0-9]{9}");
    assertThat(sent.at("/messages/3/tool_call_id").asText()).isEqualTo(id);
    assertThat(sent.at("/messages/2/content"))
        .isEqualTo(
            Json.parse(
                """
                [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}, {"type": "text", "text": "c"}]\
                """));
  }

  /** Columns: model | fields that it must not get | fields with their values. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          openai/gpt-6-sol        | temperature reasoning_effort max_tokens | /max_completion_tokens=50 /messages/0/role="developer" /user="u" /messages/2/reasoning_content="why"
          openai/o3               | temperature | /reasoning_effort="low"
          openai/gpt-4o           |             | /temperature=0.5 /store=false /no_such_field=1
          groq/m                  | logprobs logit_bias store verbosity /messages/1/name /messages/2/reasoning_content | /messages/2/reasoning="why" /messages/0/role="system" /no_such_field=1
          deepseek/deepseek-flash | store max_completion_tokens | /messages/2/reasoning_content="why" /messages/0/role="system" /max_tokens=50
          xai/grok-4.7            | stop presence_penalty frequency_penalty store /tools/0/function/strict | /temperature=0.5 /seed=5 /tools/0/function/name="f"
          xai/grok-3              | store       | /stop=["x"]
          cerebras/gpt-oss-120b   | store /messages/2/reasoning_content | /messages/2/reasoning="why" /max_completion_tokens=50
          openrouter/m            | /messages/2/reasoning_content | /messages/2/reasoning="why" /temperature=0.5
          cohere/command-r        | stream_options user logit_bias parallel_tool_calls store | /max_tokens=50 /seed=5
          moonshot/kimi-k3        | temperature top_p n presence_penalty frequency_penalty tool_choice /tools/0/function/strict | /messages/2/reasoning_content="why" /max_tokens=50
          moonshot/moonshot-v1-8k |             | /temperature=0.5 /tool_choice="required"
          zai/glm-5.3             | tool_choice presence_penalty frequency_penalty user seed /messages/1/name | /tool_stream=true /max_tokens=50
          together/m              | store verbosity | /messages/2/reasoning_content="why" /max_tokens=50
          fireworks/m             | store       | /messages/2/reasoning_content="why" /max_tokens=50
          novita/m                | store       | /max_tokens=50 /messages/0/role="system"
          sambanova/m             | seed user n store logit_bias no_such_field | /max_tokens=50 /temperature=0.5 /tool_choice="required"
          vllm/m                  | max_completion_tokens /messages/2/reasoning_content | /messages/2/reasoning="why" /no_such_field=1
          """)
  void providerGetsNothingThatItRefuses(String model, String refused, String expected)
      throws JsonProcessingException {
    JsonNode sent = sent(model);
    for (String field : refused == null ? List.<String>of() : List.of(refused.split(" ", -1))) {
      assertThat(sent.at(field.startsWith("/") ? field : "/" + field).isMissingNode())
          .as(field)
          .isTrue();
    }
    for (String field : expected.split(" ", -1)) {
      String[] sides = field.split("=", 2);
      assertThat(sent.at(sides[0])).as(field).isEqualTo(Json.parse(sides[1]));
    }
    assertThat(sent.path("model").asText()).isEqualTo(model.substring(model.indexOf('/') + 1));
  }

  @Test
  void modelListHasTheModelsOfAllProvidersThatAreOn() {
    List<JsonNode> models = new ArrayList<>();
    Gateway.json(gateway.get("/v1/models", key)).path("data").forEach(models::add);
    assertThat(models)
        .filteredOn(model -> model.path("abilities").toString().contains("\"chat\""))
        .hasSizeGreaterThanOrEqualTo(60);
    assertThat(models)
        .filteredOn(model -> model.path("label").asText().endsWith("(Groq Free Tier)"))
        .extracting(model -> model.path("id").asText())
        .containsExactly("groq/llama-3.3-70b-versatile", "groq/llama-3.1-8b-instant");
  }

  @Test
  void headerNamesWhatTheProviderDoesNotGet() {
    HttpResponse<String> answer = gateway.post(key, CHAT.replace("MODEL", "zai/glm-5.3"));
    assertThat(answer.headers().firstValue("x-llmproxy-dropped"))
        .hasValue(
            "frequency_penalty, logit_bias, messages[].name, metadata, n, parallel_tool_calls,"
                + " presence_penalty, seed, store, tool_choice, user, verbosity");
    assertThat(gateway.chat(key, "zai/glm-5.3", true, "hello").headers().map())
        .doesNotContainKey("x-llmproxy-dropped");
  }

  /** The mapped ids are only for the provider. */
  @Test
  void clientsKeepTheIdsOfTheProvider() {
    String body =
        """
        {"model": "mistral/m", "messages": [{"role": "user", "content": "[[script calls='f {}']]"}],
         "tools": [{"type": "function", "function": {"name": "f"}}]}\
        """;
    JsonNode call = Gateway.json(gateway.post(key, body)).at("/choices/0/message/tool_calls/0");
    assertThat(call.path("id").asText()).isNotEmpty();
    ObjectNode next = (ObjectNode) json(body);
    next.withArray("messages")
        .add(Json.object().put("role", "assistant").set("tool_calls", Json.array().add(call)))
        .add(
            Json.object()
                .put("role", "tool")
                .put("tool_call_id", call.path("id").asText())
                .put("content", "r"))
        .add(Json.object().put("role", "user").put("content", "[[script chunks=1]]"));

    assertThat(gateway.post(key, Json.text(next)).statusCode()).isEqualTo(200);

    JsonNode sent = server.lastRequest().body();
    List<String> ids = new ArrayList<>();
    ids.add(sent.at("/messages/1/tool_calls/0/id").asText());
    ids.add(sent.at("/messages/2/tool_call_id").asText());
    assertThat(ids.get(0)).matches("[A-Za-z0-9]{9}").isEqualTo(ids.get(1));
  }

  private static JsonNode json(String text) {
    try {
      return Json.parse(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static JsonNode sent(String model) {
    HttpResponse<String> answer = gateway.post(key, CHAT.replace("MODEL", model));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return server.lastRequest().body();
  }
}
