package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** POST /v1/chat/completions over HTTP, from the key to the last byte and the ledger. */
class ChatRouteTest {
  // With the line break before it, because a header may end in 0 too.
  private static final String LAST_CHUNK = "\r\n0\r\n\r\n";

  private static Gateway gateway;
  private static String key;
  private static Gateway impatient;
  private static String keyOfImpatient;

  @BeforeAll
  static void start(@TempDir Path data, @TempDir Path dataOfImpatient) {
    gateway = Gateway.start(data);
    key = gateway.createKey("chat@example.com");
    impatient = Gateway.start(dataOfImpatient, Map.of("PROVIDER_SILENCE_SECONDS", "2"));
    keyOfImpatient = impatient.createKey("chat@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    impatient.close();
  }

  @Wire({"5.headers", "5.6", "5.5b"})
  @Test
  void streamsHaveChunksAndEndWithDone() {
    HttpResponse<String> response =
        gateway.chat(key, "openai/scripted", true, "[[script chunks=3]]");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type"))
        .hasValue("text/event-stream; charset=utf-8");
    assertThat(response.headers().firstValue("x-request-id").orElseThrow()).startsWith("req_");
    assertThat(text(response)).isEqualTo("word1 word2 word3");
    assertThat(response.body()).endsWith("data: [DONE]\n\n").doesNotContain("\"usage\":{");
  }

  @Wire("5.flush")
  @Test
  void eachChunkIsSentAtOnce() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.post(key, request("openai/scripted", "[[script chunks=3 hold=2]]", true));
      assertThat(client.readUntil("word1")).contains("200 OK");
      client.readUntil("word2");
      gateway.provider().release();
      assertThat(client.readUntil("[DONE]")).contains("word3");
    }
  }

  @Wire("4.shape")
  @Test
  void requestsWithoutStreamGetOneObjectWithUsage() {
    HttpResponse<String> response =
        gateway.chat(key, "openai/scripted", false, "[[script chunks=3]]");

    JsonNode completion = Gateway.json(response);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(completion.path("object").asText()).isEqualTo("chat.completion");
    assertThat(completion.at("/choices/0/message/content").asText()).isEqualTo("word1 word2 word3");
    assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    assertThat(completion.at("/usage/completion_tokens").asInt()).isEqualTo(3);
    assertThat(completion.path("model").asText()).isEqualTo("openai/scripted");
  }

  @Wire({"5.5", "5.5b"})
  @Test
  void streamsHaveUsageOnlyOnRequest() {
    HttpResponse<String> response =
        gateway.post(
            key,
            """
            {"model":"openai/scripted","stream":true,"stream_options":{"include_usage":true},
             "messages":[{"role":"user","content":"[[script chunks=2]]"}]}\
            """);

    List<JsonNode> chunks = chunks(response);
    assertThat(chunks.getLast().path("choices")).isEmpty();
    assertThat(chunks.getLast().at("/usage/completion_tokens").asInt()).isEqualTo(2);
    assertThat(chunks.subList(0, chunks.size() - 1))
        .noneMatch(chunk -> chunk.path("usage").isObject());
  }

  @Wire({"2.key", "2.ignore"})
  @Test
  void theProviderGetsItsOwnKeyAndNoHeadersOfTheClient() {
    gateway.send(
        gateway
            .request(
                "/v1/chat/completions?CamelHttpUri=http://127.0.0.1:1/&x=%7B%7Benv:PATH%7D%7D", key)
            .header("X-Secret", "mine")
            .header("CamelHttpUri", "http://127.0.0.1:1/")
            .header("Cookie", "a=b")
            .POST(
                java.net.http.HttpRequest.BodyPublishers.ofString(
                    request("openai/marked", "hello", false)))
            .build());

    var sent = gateway.provider().lastRequest();
    assertThat(sent.toString()).doesNotContain(key).doesNotContain("mine").doesNotContain("a=b");
    assertThat(sent.body().path("model").asText()).isEqualTo("marked");
    assertThat(sent.toString()).contains("Bearer provider-secret");
  }

  @Wire({"1.2d", "6.502", "6.502auth", "6.504", "6.kept", "6.kept429"})
  @ParameterizedTest
  @CsvSource({
    "'[[script status=400 code=bad_thing]]', 400, bad_thing",
    "'[[script status=401]]', 502, upstream_auth_error",
    "'[[script status=429 retry_after=7]]', 429, rate_limit_exceeded",
    "'[[script status=500]]', 502, upstream_error",
    "'[[script status=503 html=1]]', 502, upstream_error",
    "'[[script hangup=1]]', 502, upstream_error",
    "'[[script hangup=2]]', 502, upstream_error",
    "'[[script ttft=60000]]', 504, upstream_timeout"
  })
  void aProviderFailureBeforeTheFirstByteIsAnHttpStatus(String script, int status, String code) {
    for (boolean stream : new boolean[] {true, false}) {
      HttpResponse<String> response = chatThatFails(stream, script);

      assertThat(response.statusCode()).isEqualTo(status);
      assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo(code);
      assertThat(response.body()).doesNotContain("provider-secret").doesNotContain("<html");
    }
  }

  @Wire({"1.2", "4.finish"})
  @ParameterizedTest
  @ValueSource(strings = {"cut=2", "end=2", "silent=2", "error=2", "garbage=2"})
  void aProviderFailureAfterTheFirstByteEndsTheStreamWithAnError(String mishap) {
    String script = "[[script chunks=5 " + mishap + "]]";
    HttpResponse<String> stream = chatThatFails(true, script);
    HttpResponse<String> whole = chatThatFails(false, script);

    assertThat(stream.statusCode()).isEqualTo(200);
    assertThat(stream.body())
        .contains("word2")
        .contains("event: error\ndata: {\"error\":{")
        .doesNotContain("[DONE]");
    assertThat(whole.statusCode()).isBetween(502, 504);
  }

  @Wire("6.404")
  @Test
  void modelsOfUnconfiguredProvidersAreNotFoundWithTheReason() {
    HttpResponse<String> response = gateway.chat(key, "groq/llama-3.1-8b-instant", true, "hi");

    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("model_not_found");
    assertThat(response.body()).contains("GROQ_API_KEY");
  }

  @Wire({"3.object", "3.required", "3.roles", "6.400"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {                                                                    |
          []                                                                   |
          {"model":"openai/x"}                                                 | messages
          {"messages":[{"role":"user","content":"hi"}]}                        | model
          {"model":"openai/x","messages":[{"role":"robot","content":"hi"}]}    | messages[0].role
          """)
  void invalidRequestsAreRefusedWithTheField(String body, String param) {
    HttpResponse<String> response = gateway.post(key, body);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/type").asText())
        .isEqualTo("invalid_request_error");
    assertThat(Gateway.json(response).at("/error/param").textValue()).isEqualTo(param);
  }

  @Test
  void everyOutcomeIsOneRecordWithItsStatus(@TempDir Path data) {
    try (Gateway fresh = Gateway.start(data)) {
      String own = fresh.createKey("status@example.com");
      fresh.chat(own, "openai/gpt-4o-mini", true, "[[script chunks=4]]");
      fresh.chat(own, "openai/scripted", true, "[[script status=500]]");
      fresh.chat(own, "openai/scripted", true, "[[script chunks=5 cut=2]]");
      fresh.chat(own, "nobody/nothing", true, "hi");
      fresh.post(own, "{");

      List<UsageRecord> records = fresh.awaitRecords(3);
      assertThat(records).hasSize(3);
      assertThat(records)
          .filteredOn(record -> record.status() == Status.SUCCESS)
          .singleElement()
          .satisfies(record -> {
            assertThat(record.tokensOut()).isEqualTo(4);
            assertThat(record.cost())
                .isEqualByComparingTo(
                    new java.math.BigDecimal("0.00000015")
                        .multiply(java.math.BigDecimal.valueOf(record.tokensIn()))
                        .add(
                            new java.math.BigDecimal("0.0000006")
                                .multiply(java.math.BigDecimal.valueOf(4))));
          });
      assertThat(records).filteredOn(record -> record.status() == Status.ERROR).hasSize(2);
    }
  }

  @Wire("5.8")
  @ParameterizedTest
  @CsvSource({
    "true,  '[[script chunks=1000 gap=50]]'",
    "false, '[[script chunks=1000 gap=50]]'",
    "true,  '[[script chunks=10 silent=2]]'",
    "true,  '[[script ttft=60000]]'",
    "false, '[[script ttft=60000]]'"
  })
  void theProviderIsCancelledWhenTheClientLeaves(boolean stream, String script) throws IOException {
    int cancelled = gateway.provider().cancelled();
    int received = gateway.provider().requests().size();
    String model = "openai/left-" + received;
    try (RawConnection client = gateway.connect()) {
      client.post(key, request(model, script, stream));
      Awaitility.await().until(() -> gateway.provider().requests().size() > received);
      if (stream && !script.contains("ttft")) {
        client.readUntil("word1");
      }
    }

    Awaitility.await().until(() -> gateway.provider().cancelled() > cancelled);
    UsageRecord record = gateway.awaitRecord(each -> each.model().equals(model));
    assertThat(record.status()).isEqualTo(Status.CANCELLED);
  }

  @Wire("7.parallel")
  @Test
  void twoHundredParallelStreamsAreComplete(@TempDir Path data) {
    try (Gateway patient = Gateway.start(data);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      String own = patient.createKey("many@example.com");
      List<CompletableFuture<String>> streams =
          IntStream.range(0, 200)
              .mapToObj(number ->
                  CompletableFuture.supplyAsync(
                      () ->
                          text(
                              patient.chat(
                                  own, "openai/scripted", true, "[[script chunks=20 gap=20]]")),
                      threads))
              .toList();

      String whole =
          String.join(
              " ", IntStream.rangeClosed(1, 20).mapToObj(number -> "word" + number).toList());
      assertThat(streams).extracting(CompletableFuture::join).containsOnly(whole);
    }
  }

  @Test
  void connectionsToTheProviderAreReused(@TempDir Path data) {
    try (Gateway fresh = Gateway.start(data)) {
      String own = fresh.createKey("again@example.com");
      for (int i = 0; i < 5; i++) {
        fresh.chat(own, "openai/scripted", i % 2 == 0, "[[script chunks=2]]");
        fresh.awaitRecords(i + 1);
      }

      assertThat(fresh.provider().accepted()).isLessThan(5);
    }
  }

  @Wire("7.keepalive")
  @Test
  void connectionsOfClientsAreReusedAfterAStream() throws IOException {
    String body = request("openai/scripted", "[[script chunks=2]]", true);
    try (RawConnection client = gateway.connect()) {
      client.post(key, body);
      client.readUntil(LAST_CHUNK);
      client.post(key, body);
      assertThat(client.readUntil(LAST_CHUNK)).contains("200 OK").contains("[DONE]");
    }
  }

  @Wire("6.ms")
  @Test
  void everyAnswerHasItsProcessingTime() {
    long began = System.nanoTime();
    HttpResponse<String> response =
        gateway.chat(key, "openai/scripted", false, "[[script chunks=1 ttft=100]]");
    double waited = (System.nanoTime() - began) / 1e6;

    assertThat(
            Double.parseDouble(response.headers().firstValue("openai-processing-ms").orElseThrow()))
        .isBetween(99.0, waited + 1);
  }

  /** Uses the gateway with short timeouts when the provider falls silent. */
  private static HttpResponse<String> chatThatFails(boolean stream, String script) {
    boolean silence = script.contains("silent=") || script.contains("ttft=");
    return silence
        ? impatient.chat(keyOfImpatient, "openai/scripted", stream, script)
        : gateway.chat(key, "openai/scripted", stream, script);
  }

  private static String request(String model, String message, boolean stream) {
    var body = Json.object().put("model", model).put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", message);
    return Json.text(body);
  }

  private static List<JsonNode> chunks(HttpResponse<String> response) {
    return response
        .body()
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .map(line -> {
          try {
            return Json.parse(line.substring(6));
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        })
        .toList();
  }

  private static String text(HttpResponse<String> response) {
    StringBuilder text = new StringBuilder();
    chunks(response).forEach(chunk -> text.append(chunk.at("/choices/0/delta/content").asText("")));
    return text.toString();
  }
}
