package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.RecordedRequest;
import dev.llmproxy.emulator.ScriptedProvider;
import java.io.IOException;
import java.net.URLEncoder;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests and authentication: sections 2 and 3 of the wire contract, over HTTP. */
class ContractRequestRouteTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String MINIMAL =
      "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

  private static ScriptedProvider other;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    other = ScriptedProvider.start();
    gateway =
        Gateway.start(
            data, Map.of("GROQ_BASE_URL", other.baseUrl(), "GROQ_API_KEY", "groq-secret"));
    key = gateway.createKey("request@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    other.close();
  }

  @Wire("2.models")
  @Test
  void modelsAreAListOfModelObjects() {
    JsonNode list = Gateway.json(gateway.get("/v1/models", key));

    assertThat(list.path("object").asText()).isEqualTo("list");
    assertThat(list.path("data"))
        .isNotEmpty()
        .allSatisfy(model -> {
          assertThat(model.path("id").asText()).contains("/");
          assertThat(model.path("object").asText()).isEqualTo("model");
          assertThat(model.path("created").isIntegralNumber()).isTrue();
          assertThat(model.path("owned_by").asText()).isNotEmpty();
        });
  }

  @Wire("2.model")
  @Test
  void modelPathsAreDecodedOnce() {
    HttpResponse<String> twice = gateway.get("/v1/models/openai%252Fgpt-4o-mini", key);
    HttpResponse<String> plus = gateway.get("/v1/models/openai/a+b%20c", key);

    assertThat(twice.statusCode()).isEqualTo(404);
    assertThat(twice.body()).contains("`openai%2Fgpt-4o-mini`");
    assertThat(Gateway.json(plus).path("id").asText()).isEqualTo("openai/a+b c");
  }

  @Wire("2.405")
  @ParameterizedTest
  @CsvSource({
    "/v1/models, GET",
    "/v1/models/, GET",
    "/v1/models/openai/gpt-4o-mini, GET",
    "/v1/models/openai%2Fgpt-4o-mini, GET",
    "/v1/chat/completions, POST",
    "/v1/embeddings, POST"
  })
  void wrongMethodsGetTheAllowedMethods(String path, String method) {
    HttpResponse<String> response = gateway.send(gateway.request(path, key).DELETE().build());

    assertThat(response.statusCode()).isEqualTo(405);
    assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("method_not_supported");
    assertThat(response.headers().firstValue("allow").orElseThrow().split(", "))
        .contains(method, "OPTIONS")
        .doesNotContain(method.equals("GET") ? "POST" : "GET");
  }

  @Wire("2.slash")
  @Test
  void trailingSlashesAreIgnored() {
    assertThat(Gateway.json(gateway.get("/v1/models/", key)).path("object").asText())
        .isEqualTo("list");
    for (String path : List.of(CHAT + "/", "/v1/embeddings/")) {
      HttpResponse<String> response = gateway.post(path, key, "{}");

      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(Gateway.json(response).at("/error/param").asText()).isEqualTo("model");
    }
  }

  @Wire({"2.auth", "6.401"})
  @ParameterizedTest
  @CsvSource({
    "GET, /v1/models",
    "GET, /v1/models/openai/gpt-4o",
    "POST, /v1/chat/completions",
    "POST, /v1/responses",
    "POST, /v1/completions",
    "POST, /v1/embeddings"
  })
  void everyEndpointRequiresABearerKey(String method, String path) {
    HttpRequest.Builder request =
        gateway.request(path, null).method(method, HttpRequest.BodyPublishers.noBody());

    // Clients of Anthropic's format list the models with a key in x-api-key.
    String apiKey = path.startsWith("/v1/models") ? "x-goog-api-key" : "x-api-key";
    for (String header : List.of(apiKey, "api-key", "Proxy-Authorization")) {
      HttpResponse<String> response = gateway.send(request.copy().header(header, key).build());

      assertThat(response.statusCode()).isEqualTo(401);
      assertThat(Gateway.json(response).at("/error/code").isNull()).isTrue();
      assertThat(response.body() + response.headers()).doesNotContain(key);
    }
    for (String scheme : List.of("Basic ", "", "Bearer")) {
      HttpResponse<String> response =
          gateway.send(request.copy().header("Authorization", scheme + key).build());

      assertThat(response.statusCode()).isEqualTo(401);
      assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("invalid_api_key");
      assertThat(response.body() + response.headers()).doesNotContain(key);
    }
  }

  @Wire({"2.auth", "2.ignore"})
  @Test
  void keysInTheQueryAreIgnored() {
    String bearer = URLEncoder.encode("Bearer " + key, StandardCharsets.UTF_8);

    assertThat(gateway.get("/v1/models?Authorization=" + bearer, null).statusCode()).isEqualTo(401);
    assertThat(gateway.get("/v1/models?authorization=" + bearer, null).statusCode()).isEqualTo(401);
    assertThat(gateway.get("/v1/models?authorization=x", key).statusCode()).isEqualTo(200);
    assertThat(
            gateway
                .post(CHAT + "?Authorization=x", key, MINIMAL.formatted("openai/m"))
                .statusCode())
        .isEqualTo(200);
  }

  @Wire("2.early")
  @Test
  void theKeyIsCheckedBeforeTheModel() {
    assertThat(gateway.post("sk-wrong", MINIMAL.formatted("nobody/nothing")).statusCode())
        .isEqualTo(401);
    assertThat(gateway.get("/v1/models/nobody/nothing", "sk-wrong").statusCode()).isEqualTo(401);
  }

  @Wire({"2.key", "2.ignore"})
  @ParameterizedTest
  @ValueSource(strings = {"/openapi.json", "/v1/models", "/v1/models/openai/gpt-4o", "/v1/nothing"})
  void answersDoNotEchoHeadersOfTheRequest(String path) {
    HttpResponse<String> response =
        gateway.send(
            gateway
                .request(path + "?Set-Cookie=stolen&X-Echo=stolen", key)
                .header("X-Secret", "stolen")
                .header("Cookie", "a=stolen")
                .GET()
                .build());

    assertThat(response.headers().map().toString()).doesNotContain("stolen").doesNotContain(key);
    assertThat(response.body()).doesNotContain(key);
  }

  @Test
  void providersAreAskedForUncompressedAnswers() {
    assertThat(gateway.post(key, MINIMAL.formatted("openai/scripted")).statusCode()).isEqualTo(200);

    assertThat(gateway.provider().lastRequest().header("accept-encoding")).isEqualTo("identity");
  }

  @Wire("2.ignore")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Accept              | application/json
          Accept              | text/event-stream
          Accept              | */*
          Accept              | image/png
          OpenAI-Organization | org-x
          OpenAI-Project      | proj_x
          OpenAI-Beta         | assistants=v2
          x-stainless-os      | Linux
          x-stainless-retry-count | 2
          Content-Type        | application/json; charset=latin-1
          Content-Type        | text/plain
          Content-Type        | multipart/form-data; boundary=x
          """)
  void unknownHeadersAreIgnored(String name, String value) {
    for (boolean stream : new boolean[] {true, false}) {
      ObjectNode body = parsed(MINIMAL.formatted("openai/scripted")).put("stream", stream);
      HttpResponse<String> response =
          gateway.send(
              gateway
                  .request(CHAT + "?api-version=2024-10-21&stream=maybe&model=x", key)
                  .header(name, value)
                  .POST(HttpRequest.BodyPublishers.ofString(Json.text(body)))
                  .build());

      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.headers().firstValue("content-type").orElseThrow())
          .startsWith(stream ? "text/event-stream" : "application/json");
    }
  }

  @Wire({
    "3.roles",
    "3.content",
    "3.message",
    "3.pass",
    "3.tools",
    "3.format",
    "3.other",
    "3.unknown"
  })
  @Test
  void requestsReachTheProviderUnchanged() {
    ObjectNode asked =
        parsed(
            """
            {"model":"openai/scripted","messages":[
              {"role":"system","content":"S"},{"role":"developer","content":"D"},
              {"role":"user","name":"n","content":[{"type":"text","text":"x"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},
                {"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},
                {"type":"file","file":{"file_id":"f"}},{"type":"refusal","refusal":"no"}]},
              {"role":"assistant","content":null,"refusal":null,"audio":{"id":"a"},"reasoning_content":"r",
                "tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"c","content":"T"},{"role":"function","name":"f","content":"F"},
              {"role":"user","content":"hi"}],
             "temperature":0.7,"top_p":1,"n":2,"presence_penalty":-2,"frequency_penalty":2,
             "max_completion_tokens":5,"stop":["a","b","c","d"],"seed":7,"logit_bias":{"1":-100},
             "logprobs":true,"top_logprobs":20,"user":"u",
             "tools":[{"type":"function","function":{"name":"f","strict":true,
               "parameters":{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}}}],
             "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,
             "functions":[{"name":"g"}],"function_call":"none",
             "response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"type":"object"}}},
             "metadata":{"a":"b"},"store":true,"service_tier":"flex","reasoning_effort":"low","verbosity":"low",
             "modalities":["text"],"audio":{"voice":"x"},"prediction":{"type":"content","content":"p"},
             "prompt_cache_key":"k","prompt_cache_retention":"24h",
             "safety_identifier":"s","moderation":{},"x_vendor":{"deep":[1.5,null]}}\
            """);

    assertThat(gateway.post(key, Json.text(asked)).statusCode()).isEqualTo(200);

    ObjectNode expected = asked.deepCopy();
    expected.put("model", "scripted").put("stream", true);
    expected.putObject("stream_options").put("include_usage", true);
    assertThat(parsed(sent(gateway.provider()).toString())).isEqualTo(expected);
  }

  @Wire({"3.other", "3.developer", "3.limit", "3.unknown"})
  @Test
  void providersOfAnotherDialectGetOnlyKnownFields() {
    ObjectNode asked = parsed(MINIMAL.formatted("groq/scripted"));
    asked.withArray("messages").addObject().put("role", "developer").put("content", "D");
    asked.put("store", true).put("max_tokens", 7).put("x_vendor", 1);
    asked.putObject("metadata").put("a", "b");

    assertThat(gateway.post(key, Json.text(asked)).statusCode()).isEqualTo(200);

    JsonNode sent = sent(other);
    assertThat(sent.has("store") || sent.has("metadata")).isFalse();
    assertThat(sent.path("messages").findValuesAsText("role")).containsExactly("user", "system");
    assertThat(sent.has("max_tokens") ^ sent.has("max_completion_tokens")).isTrue();
    assertThat(sent.path("x_vendor").asInt()).isEqualTo(1);
  }

  @Wire("3.limit")
  @Test
  void theTokenLimitHasTheNameThatTheProviderKnows() {
    ObjectNode asked = parsed(MINIMAL.formatted("openai/scripted")).put("max_tokens", 7);

    assertThat(gateway.post(key, Json.text(asked)).statusCode()).isEqualTo(200);

    assertThat(sent(gateway.provider()).path("max_completion_tokens").asInt()).isEqualTo(7);
    assertThat(sent(gateway.provider()).has("max_tokens")).isFalse();
  }

  @Wire("3.null")
  @Test
  void nullCountsAsMissing() {
    ObjectNode asked = parsed(MINIMAL.formatted("openai/scripted"));
    for (String name :
        List.of(
            "temperature",
            "top_p",
            "n",
            "presence_penalty",
            "frequency_penalty",
            "max_tokens",
            "max_completion_tokens",
            "stop",
            "seed",
            "logit_bias",
            "logprobs",
            "top_logprobs",
            "user",
            "stream",
            "stream_options",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "functions",
            "function_call",
            "response_format",
            "metadata",
            "x_vendor")) {
      asked.putNull(name);
    }

    HttpResponse<String> response = gateway.post(key, Json.text(asked));

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(sent(gateway.provider()).fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("model", "messages", "stream", "stream_options");
  }

  /** Columns: a field that replaces one of a valid request | code and param of the 400. */
  @Wire({"3.object", "3.required", "3.roles", "3.content", "3.pass", "6.400"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "\"model\":null             | missing_required_parameter | model",
        "\"messages\":null          | missing_required_parameter | messages",
        "\"messages\":[]            | invalid_value | messages",
        "\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"robot\",\"content\":\"x\"}] | invalid_value | messages[1].role",
        "\"messages\":[{\"role\":\"user\",\"content\":7}] | invalid_type | messages[0].content",
        "\"temperature\":2.1        | invalid_value | temperature",
        "\"top_p\":-0.1             | invalid_value | top_p",
        "\"n\":0                    | invalid_value | n",
        "\"n\":129                  | invalid_value | n",
        "\"presence_penalty\":2.1   | invalid_value | presence_penalty",
        "\"frequency_penalty\":-2.1 | invalid_value | frequency_penalty",
        "\"max_tokens\":\"7\"       | invalid_type  | max_tokens",
        "\"max_completion_tokens\":1.5 | invalid_type | max_completion_tokens",
        "\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"] | invalid_value | stop",
        "\"seed\":\"7\"             | invalid_type  | seed",
        "\"logit_bias\":[]          | invalid_type  | logit_bias",
        "\"logprobs\":1             | invalid_type  | logprobs",
        "\"top_logprobs\":21        | invalid_value | top_logprobs",
        "\"user\":7                 | invalid_type  | user",
        "\"stream\":\"true\"        | invalid_type  | stream",
      })
  void invalidFieldsAreNamedAndTheProviderIsNotCalled(String field, String code, String param) {
    int asked = gateway.provider().requests().size();
    ObjectNode body = parsed(MINIMAL.formatted("openai/scripted"));
    HttpResponse<String> response =
        gateway.post(key, Json.text(body.setAll(parsed("{" + field + "}"))));

    JsonNode error = Gateway.json(response).path("error");
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("code").asText()).isEqualTo(code);
    assertThat(error.path("param").asText()).isEqualTo(param);
    assertThat(gateway.provider().requests()).hasSize(asked);
  }

  private static JsonNode sent(ScriptedProvider provider) {
    RecordedRequest last = provider.lastRequest();
    assertThat(last.path()).isEqualTo(CHAT);
    return last.body();
  }

  private static ObjectNode parsed(String json) {
    try {
      return (ObjectNode) Json.parse(json);
    } catch (IOException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
