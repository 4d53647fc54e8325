package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Base64;
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
 * POST /v1/embeddings over HTTP (docs/wire-contract.md §9), from the key to the last byte and the
 * ledger.
 */
class EmbeddingRouteTest {
  private static final String LOCAL = "local/all-minilm-l6-v2";

  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway =
        Gateway.start(
            data,
            Map.of(
                "LOCAL_MODEL",
                "on",
                "LOCAL_MODEL_FILE",
                data.resolve("no-chat-model.gguf").toString()));
    key = gateway.createKey("embedding@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire("9.reply")
  @Test
  void answersAreInOpenAisFormat() {
    HttpResponse<String> response = embed("openai/scripted", "[\"one\",\"two\"]", "");

    JsonNode list = Gateway.json(response);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(response.headers().firstValue("x-request-id").orElseThrow()).startsWith("req_");
    assertThat(list.path("object").asText()).isEqualTo("list");
    assertThat(list.path("model").asText()).isEqualTo("openai/scripted");
    assertThat(list.at("/data/1/object").asText()).isEqualTo("embedding");
    assertThat(list.at("/data/1/index").asInt()).isEqualTo(1);
    assertThat(list.at("/data/1/embedding")).hasSize(8);
    assertThat(list.path("usage").toString()).isEqualTo("{\"prompt_tokens\":6,\"total_tokens\":6}");
  }

  @Wire({"9.input", "9.dimensions", "2.key"})
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"one\"",
        "[\"one\",\"two\"]",
        "[1,2,3]",
        "[[1,2],[3]]",
        "[\"[[script fields=1]]\"]"
      })
  void requestsReachTheProviderUnchanged(String input) {
    embed("openai/marked", input, ",\"dimensions\":4,\"user\":\"u\",\"x_vendor\":{\"a\":1.50}");

    var sent = gateway.provider().lastRequest();
    assertThat(sent.path()).isEqualTo("/v1/embeddings");
    assertThat(sent.header("authorization")).isEqualTo("Bearer provider-secret");
    assertThat(sent.toString()).doesNotContain(key);
    assertThat(sent.body().path("model").asText()).isEqualTo("marked");
    assertThat(sent.body().path("input").toString()).isEqualTo(input);
    assertThat(sent.body().path("dimensions").asInt()).isEqualTo(4);
    assertThat(sent.body().at("/x_vendor/a").asDouble()).isEqualTo(1.5);
    assertThat(sent.body().has("encoding_format")).isFalse();
  }

  @Test
  void unknownFieldsOfTheAnswerStay() {
    JsonNode list = Gateway.json(embed("openai/scripted", "\"[[script fields=1]]\"", ""));

    assertThat(list.at("/x_vendor/region").asText()).isEqualTo("eu-1");
  }

  @Wire({"9.encoding", "9.reply"})
  @ParameterizedTest
  @ValueSource(strings = {"", "encoding=float", "encoding=base64", "bare=1", "reversed=1"})
  void answersHaveTheRequestedEncodingAndOrderForAllProviders(String habit) {
    String input = "[\"[[script %s]]\",\"two\",\"three\"]".formatted(habit);
    JsonNode floats = Gateway.json(embed("openai/scripted", input, ""));
    JsonNode same = Gateway.json(embed("openai/scripted", input, ",\"encoding_format\":\"float\""));
    JsonNode base64 =
        Gateway.json(embed("openai/scripted", input, ",\"encoding_format\":\"base64\""));

    assertThat(same).isEqualTo(floats);
    JsonNode plain = Gateway.json(embed("openai/scripted", "[\"one\",\"two\",\"three\"]", ""));
    for (int i = 0; i < 3; i++) {
      JsonNode one = base64.path("data").path(i);
      assertThat(one.path("index").asInt()).isEqualTo(i);
      assertThat(one.path("object").asText()).isEqualTo("embedding");
      assertThat(decoded(one.get("embedding")))
          .containsExactly(numbers(floats.path("data").path(i).get("embedding")));
      if (i > 0) {
        assertThat(decoded(one.get("embedding")))
            .containsExactly(numbers(plain.path("data").path(i).get("embedding")));
      }
    }
    assertThat(base64.at("/usage/prompt_tokens").asInt()).isPositive();
    assertThat(base64.at("/usage/total_tokens").asInt()).isPositive();
  }

  @Wire({"6.502", "6.502auth", "6.kept", "6.kept429"})
  @ParameterizedTest
  @CsvSource({
    "status=400 code=bad_thing, 400, bad_thing",
    "status=401, 502, upstream_auth_error",
    "status=429 retry_after=7, 429, rate_limit_exceeded",
    "status=500, 502, upstream_error",
    "status=503 html=1, 502, upstream_error",
    "hangup=1, 502, upstream_error",
    "hangup=2, 502, upstream_error",
    "body=nonsense, 502, upstream_error",
    "body=[], 502, upstream_error",
    "body={}, 502, upstream_error",
    "'body={\"data\":[{}]}', 502, upstream_error",
    "'body={\"data\":[{\"embedding\":[1]},{\"embedding\":[1]}]}', 502, upstream_error"
  })
  void providerFailuresAreHttpStatuses(String script, int status, String code) {
    String input = Json.text(Json.array().add("[[script " + script + "]]"));
    HttpResponse<String> response = embed("openai/scripted", input, "");

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo(code);
    assertThat(response.body()).doesNotContain("provider-secret").doesNotContain("<html");
  }

  @Wire("6.504")
  @Test
  void aSilentProviderIsAnHttpStatus(@TempDir Path data) {
    try (Gateway impatient = Gateway.start(data, Map.of("PROVIDER_SILENCE_SECONDS", "2"))) {
      String own = impatient.createKey("silence@example.com");
      HttpResponse<String> response =
          impatient.post(
              "/v1/embeddings",
              own,
              "{\"model\":\"openai/scripted\",\"input\":\"[[script ttft=60000]]\"}");

      assertThat(response.statusCode()).isEqualTo(504);
      assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("upstream_timeout");
    }
  }

  @Wire({"9.input", "9.dimensions", "6.400"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {                                                             |
          {"input":"a"}                                                 | model
          {"model":1,"input":"a"}                                       | model
          {"model":"openai/x"}                                          | input
          {"model":"openai/x","input":null}                             | input
          {"model":"openai/x","input":""}                               | input
          {"model":"openai/x","input":[]}                               | input
          {"model":"openai/x","input":{}}                               | input
          {"model":"openai/x","input":true}                             | input
          {"model":"openai/x","input":["a",1]}                          | input
          {"model":"openai/x","input":["a",["b"]]}                      | input
          {"model":"openai/x","input":["a",""]}                         | input[1]
          {"model":"openai/x","input":[[1],[]]}                         | input[1]
          {"model":"openai/x","input":[[1],["a"]]}                      | input[1]
          {"model":"openai/x","input":[1,"a"]}                          | input
          {"model":"openai/x","input":[1,2.5]}                          | input
          {"model":"openai/x","input":[null]}                           | input
          {"model":"openai/x","input":"a","encoding_format":"hex"}      | encoding_format
          {"model":"openai/x","input":"a","encoding_format":1}          | encoding_format
          {"model":"openai/x","input":"a","dimensions":0}               | dimensions
          {"model":"openai/x","input":"a","dimensions":99999999999}     | dimensions
          {"model":"openai/x","input":"a","dimensions":"4"}             | dimensions
          {"model":"openai/x","input":"a","user":7}                     | user
          {"model":"openai/gpt-4o","input":"a"}                         | model
          """)
  void invalidRequestsAreRefusedWithTheField(String body, String param) {
    HttpResponse<String> response = gateway.post("/v1/embeddings", key, body);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/type").asText())
        .isEqualTo("invalid_request_error");
    assertThat(Gateway.json(response).at("/error/param").textValue()).isEqualTo(param);
  }

  @Wire("3.null")
  @Test
  void nullsCountAsMissing() {
    assertThat(
            embed(
                    "openai/scripted",
                    "\"a\"",
                    ",\"encoding_format\":null,\"dimensions\":null,\"user\":null")
                .statusCode())
        .isEqualTo(200);
  }

  @Test
  void moreThan2048InputsAreRefused() {
    var most = Json.array();
    for (int i = 0; i < 2048; i++) {
      most.add("a");
    }
    assertThat(embed("openai/scripted", Json.text(most), "").statusCode()).isEqualTo(200);
    HttpResponse<String> response = embed("openai/scripted", Json.text(most.add("a")), "");

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/param").asText()).isEqualTo("input");
    assertThat(response.body()).contains("2048");
  }

  @Test
  void modelsWithoutTheAbilityAreRefused() {
    HttpResponse<String> embedding = embed("openai/gpt-4o", "\"a\"", "");
    HttpResponse<String> chat = gateway.chat(key, LOCAL, false, "hi");

    assertThat(embedding.body()).contains("not for embeddings but for chat");
    assertThat(chat.statusCode()).isEqualTo(400);
    assertThat(chat.body()).contains("not for chat but for embeddings");
    assertThat(Gateway.json(chat).at("/error/param").asText()).isEqualTo("model");
  }

  @Wire({"6.404", "2.early"})
  @Test
  void unknownModelsAndMissingKeysAreRefused() {
    HttpResponse<String> unknown = embed("nobody/nothing", "\"a\"", "");

    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(Gateway.json(unknown).at("/error/code").asText()).isEqualTo("model_not_found");
    assertThat(gateway.post("/v1/embeddings", null, "{").statusCode()).isEqualTo(401);
  }

  @Wire("9.reply")
  @Test
  void theLocalModelCountsExactlyAndKeepsTheOrder() {
    JsonNode list = Gateway.json(embed(LOCAL, "[\"cat\",\"kitten\",\"tax\"]", ""));

    float[] cat = numbers(list.at("/data/0/embedding"));
    assertThat(cat).hasSize(384);
    assertThat(product(cat, numbers(list.at("/data/1/embedding")))).isBetween(0.75, 0.80);
    assertThat(product(cat, numbers(list.at("/data/2/embedding")))).isBetween(0.34, 0.39);
    assertThat(list.path("model").asText()).isEqualTo(LOCAL);
    assertThat(list.path("usage").toString()).isEqualTo("{\"prompt_tokens\":9,\"total_tokens\":9}");
  }

  @Wire("9.encoding")
  @Test
  void theLocalModelHasBothEncodings() {
    JsonNode floats = Gateway.json(embed(LOCAL, "\"cat\"", ",\"dimensions\":384"));
    JsonNode base64 = Gateway.json(embed(LOCAL, "\"cat\"", ",\"encoding_format\":\"base64\""));

    assertThat(decoded(base64.at("/data/0/embedding")))
        .containsExactly(numbers(floats.at("/data/0/embedding")));
  }

  @Wire({"9.tokens", "9.dimensions"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          [1,2,3]       |                   | input
          [[1,2],[3]]   |                   | input[0]
          "a"           | ,"dimensions":256 | dimensions
          """)
  void theLocalModelRefusesUnsupportedRequests(String input, String more, String param) {
    HttpResponse<String> response = embed(LOCAL, input, more == null ? "" : more);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/param").asText()).isEqualTo(param);
  }

  @Wire("6.400context")
  @Test
  void textsTooLongForTheLocalModelAreRefusedWithTheirIndex() {
    String fits = "cat ".repeat(254).strip();
    HttpResponse<String> whole = embed(LOCAL, Json.text(Json.array().add(fits)), "");
    HttpResponse<String> tooLong =
        embed(LOCAL, Json.text(Json.array().add("cat").add(fits + " cat")), "");

    assertThat(Gateway.json(whole).at("/usage/prompt_tokens").asInt()).isEqualTo(256);
    assertThat(tooLong.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(tooLong).at("/error/param").asText()).isEqualTo("input[1]");
    assertThat(Gateway.json(tooLong).at("/error/code").asText())
        .isEqualTo("context_length_exceeded");
    assertThat(tooLong.body()).contains("256 tokens").contains("257 tokens");
  }

  @Test
  void theLocalModelIsListedWhenOnAndNotFoundWhenOff(@TempDir Path data) {
    assertThat(Gateway.json(gateway.get("/v1/models/" + LOCAL, key)).path("abilities").toString())
        .isEqualTo("[\"embeddings\"]");
    try (Gateway off = Gateway.start(data)) {
      String own = off.createKey("off@example.com");
      HttpResponse<String> response =
          off.post("/v1/embeddings", own, "{\"model\":\"" + LOCAL + "\",\"input\":\"a\"}");

      assertThat(response.statusCode()).isEqualTo(404);
      assertThat(response.body()).contains("LOCAL_MODEL is off");
    }
  }

  @Test
  void everyOutcomeIsOneRecordOfTypeEmbedding(@TempDir Path data) {
    try (Gateway fresh = Gateway.start(data)) {
      String own = fresh.createKey("status@example.com");
      String request = "{\"model\":\"openai/%s\",\"input\":\"%s\"}";
      fresh.post("/v1/embeddings", own, request.formatted("text-embedding-3-small", "one two"));
      fresh.post("/v1/embeddings", own, request.formatted("x", "[[script status=500]]"));
      fresh.post("/v1/embeddings", own, request.formatted("x", "[[script bare=1]]"));
      fresh.post("/v1/embeddings", own, "{");

      List<UsageRecord> records = fresh.awaitRecords(3);
      assertThat(records).hasSize(3).allMatch(record -> record.type().equals("embedding"));
      assertThat(records)
          .extracting(UsageRecord::status)
          .containsExactlyInAnyOrder(Status.SUCCESS, Status.ERROR, Status.SUCCESS);
      assertThat(records)
          .filteredOn(record -> record.model().equals("openai/text-embedding-3-small"))
          .singleElement()
          .satisfies(record -> {
            assertThat(record.tokensIn()).isEqualTo(3);
            assertThat(record.tokensOut()).isZero();
            assertThat(record.cost()).isEqualByComparingTo(new BigDecimal("0.00000006"));
          });
      assertThat(records)
          .filteredOn(record -> record.status() == Status.ERROR)
          .singleElement()
          .satisfies(record -> assertThat(record.tokensIn()).isZero());
      Awaitility.await().until(() -> fresh.sheet("status_at_example_dot_com").size() > 3);
      assertThat(fresh.sheet("status_at_example_dot_com").get(1)).element(2).isEqualTo("embedding");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'prompt_tokens':12,'total_tokens':12}                                    | 12",
        "{'total_tokens':12}                                                       | 12",
        // Impossible usage is replaced by an estimate: one token for four characters of the input.
        "{'prompt_tokens':9223372036854775807,'total_tokens':9223372036854775807}  | 38",
        "{'prompt_tokens':1e15,'total_tokens':-5}                                  | 38",
        "{'prompt_tokens':1.5,'total_tokens':'many'}                               | 38",
        "{'prompt_tokens':0,'total_tokens':0}                                      | 38",
        "[]                                                                        | 38",
      })
  void impossibleUsageIsEstimated(String usage, long tokens) {
    String body = "{\"data\":[{\"embedding\":[1]}],\"usage\":" + usage.replace('\'', '"') + "}";
    String input = "[[script body='" + body + "']]";
    HttpResponse<String> response =
        gateway.post(
            "/v1/embeddings",
            key,
            Json.text(
                Json.object()
                    .put("model", "openai/scripted")
                    .put("input", input + "x".repeat(152 - input.length()))));

    assertThat(Gateway.json(response).at("/usage/prompt_tokens").longValue()).isEqualTo(tokens);
    assertThat(Gateway.json(response).at("/usage/total_tokens").longValue()).isEqualTo(tokens);
    String id = response.headers().firstValue("x-request-id").orElseThrow();
    assertThat(gateway.awaitRecord(row -> row.requestId().equals(id)).tokensIn()).isEqualTo(tokens);
  }

  @Wire("5.8")
  @Test
  void theProviderIsCancelledWhenTheClientLeaves() throws IOException {
    int cancelled = gateway.provider().cancelled();
    int received = gateway.provider().requests().size();
    try (RawConnection client = gateway.connect()) {
      client.post(
          "/v1/embeddings", key, "{\"model\":\"openai/left\",\"input\":\"[[script ttft=60000]]\"}");
      Awaitility.await().until(() -> gateway.provider().requests().size() > received);
    }

    Awaitility.await().until(() -> gateway.provider().cancelled() > cancelled);
    Awaitility.await()
        .untilAsserted(() ->
            assertThat(gateway.application().ledger().after(0, 10_000))
                .filteredOn(record -> record.model().equals("openai/left"))
                .singleElement()
                .satisfies(record -> {
                  assertThat(record.status()).isEqualTo(Status.CANCELLED);
                  assertThat(record.tokensIn()).isPositive();
                }));
  }

  private static HttpResponse<String> embed(String model, String input, String more) {
    return gateway.post(
        "/v1/embeddings", key, "{\"model\":\"%s\",\"input\":%s%s}".formatted(model, input, more));
  }

  private static float[] numbers(JsonNode array) {
    float[] numbers = new float[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = array.get(i).floatValue();
    }
    return numbers;
  }

  private static float[] decoded(JsonNode base64) {
    ByteBuffer bytes =
        ByteBuffer.wrap(Base64.getDecoder().decode(base64.textValue()))
            .order(ByteOrder.LITTLE_ENDIAN);
    float[] numbers = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(numbers);
    return numbers;
  }

  private static double product(float[] one, float[] other) {
    double sum = 0;
    for (int i = 0; i < one.length; i++) {
      sum += (double) one[i] * other[i];
    }
    return sum;
  }
}
