package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.MediaAnswers;
import dev.llmproxy.emulator.RecordedRequest;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.ledger.UsageRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Audio, images, moderations and reranking over HTTP (docs/wire-contract.md §14). */
class MediaRouteTest {
  private static final String TRANSCRIPTIONS = "/v1/audio/transcriptions";
  private static final String BOUNDARY = "----form Boundary";
  private static final byte[] SOUND = MediaAnswers.sound(20_000);

  private static ScriptedProvider other;
  private static Gateway gateway;
  private static String key;
  private static HttpClient client;

  @BeforeAll
  static void start(@TempDir Path data) {
    other = ScriptedProvider.start();
    Map<String, String> settings = new HashMap<>();
    settings.put("VLLM_BASE_URL", other.baseUrl());
    settings.put("VLLM_API_KEY", "other-secret");
    settings.put("GROQ_BASE_URL", other.baseUrl());
    settings.put("GROQ_API_KEY", "other-secret");
    settings.put("ANTHROPIC_API_KEY", "x");
    settings.put("MAX_UPLOAD_MB", "32");
    settings.put("CLIENT_STALL_SECONDS", "3");
    settings.put("RATE_LIMIT_ONCE", "1");
    settings.put(
        "MODEL_ALIASES",
        "hear -> groq/scripted-down | vllm/scripted, rank -> openai/scripted | vllm/scripted");
    gateway = Gateway.start(data, settings);
    key = gateway.createKey("media@example.com");
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    gateway.close();
    other.close();
  }

  @Wire({"14.pass", "14.form", "14.answer"})
  @ParameterizedTest
  @ValueSource(strings = {"transcriptions", "translations"})
  void formsReachTheProviderWithItsNameOfTheModel(String endpoint) {
    Form form = new Form().text("model", "openai/scripted").text("language", "de");
    form.text("timestamp_granularities[]", "word").text("timestamp_granularities[]", "segment");
    form.file("file", "Grüße \"a\".mp3", SOUND).text("prompt", "née 世界");

    HttpResponse<String> response = send("/v1/audio/" + endpoint, form);

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(response.headers().firstValue("x-request-id").orElseThrow()).startsWith("req_");
    assertThat(Gateway.json(response).path("text").asText()).contains("of 20000 bytes");
    RecordedRequest sent = gateway.provider().lastRequest();
    assertThat(sent.path()).isEqualTo("/v1/audio/" + endpoint);
    assertThat(sent.header("authorization")).isEqualTo("Bearer provider-secret");
    assertThat(sent.toString()).doesNotContain(key);
    JsonNode body = sent.body();
    assertThat(body.path("model").asText()).isEqualTo("scripted");
    assertThat(body.path("language").asText()).isEqualTo("de");
    assertThat(body.path("prompt").asText()).isEqualTo("née 世界");
    assertThat(body.path("timestamp_granularities[]").toString())
        .isEqualTo("[\"word\",\"segment\"]");
    assertThat(body.at("/file/file").asText()).isEqualTo("Grüße %22a%22.mp3");
    assertThat(body.at("/file/type").asText()).isEqualTo("audio/mpeg");
    assertThat(body.at("/file/sha256").asText()).isEqualTo(Sha256.hex(SOUND));
  }

  @Wire("14.form")
  @Test
  void modelMayComeAfterTheFiles() {
    Form form = new Form().file("file", "a.mp3", SOUND).file("other", "", SOUND);
    form.text("model", "openai/scripted").text("response_format", "text");

    HttpResponse<String> response = send(TRANSCRIPTIONS, form);

    assertThat(response.body()).isEqualTo("I heard a.mp3 of 20000 bytes\n");
    assertThat(response.headers().firstValue("content-type")).hasValue("text/plain; charset=utf-8");
    JsonNode body = gateway.provider().lastRequest().body();
    assertThat(body.at("/file/sha256").asText()).isEqualTo(Sha256.hex(SOUND));
    assertThat(body.at("/other/bytes").asInt()).isEqualTo(SOUND.length);
  }

  /** Contents that contain parts of the boundary, at every length around the size of buffers. */
  @Wire("14.form")
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 4095, 4096, 8191, 16_383, 16_384, 16_385, 100_003})
  void contentsThatLookLikeABoundaryStay(int length) {
    String like = "\r\n--" + BOUNDARY.substring(0, BOUNDARY.length() - 1) + "\r\n--\r\r\n-";
    byte[] content =
        (MediaAnswers.sound(length).length + like + "x".repeat(length) + like)
            .getBytes(StandardCharsets.US_ASCII);

    send(
        TRANSCRIPTIONS,
        new Form().text("model", "openai/scripted").file("file", "a", content).text("last", "1"));

    JsonNode body = gateway.provider().lastRequest().body();
    assertThat(body.at("/file/sha256").asText()).isEqualTo(Sha256.hex(content));
    assertThat(body.path("last").asText()).isEqualTo("1");
  }

  @Wire("14.form")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "multipart/form-data                | has no valid boundary",
        "multipart/form-data; boundary=     | has no valid boundary",
        "multipart/form-data; boundary=none | ",
        "multipart/form-data; boundary=cut  | ends too early",
        "multipart/form-data; boundary=anonymous | a part has no name",
        "multipart/form-data; boundary=twice | Invalid value for 'model'",
        "multipart/form-data; boundary=huge | its texts are larger than 1 MB",
      })
  void whatIsNoFormIsRefused(String type, String why) {
    String body =
        switch (type.substring(type.indexOf('=') + 1)) {
          case "cut" ->
              "--cut\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nopenai/scripted";
          case "anonymous" -> "--anonymous\r\nContent-Type: text/plain\r\n\r\nx\r\n--anonymous--";
          case "twice" -> Form.texts("twice", "openai/scripted", "anthropic/claude");
          case "huge" -> Form.texts("huge", "x".repeat(1 << 20) + "x");
          default -> "x";
        };
    int asked = gateway.provider().requests().size();

    HttpResponse<String> response =
        send(TRANSCRIPTIONS, type, body.getBytes(StandardCharsets.UTF_8));

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/message").asText())
        .contains(why == null ? "model" : why);
    assertThat(gateway.provider().requests()).hasSize(asked);
  }

  /** A second name of a model could be one that the key may not use. */
  @Wire("14.form")
  @Test
  void secondModelAfterTheFileIsRefused() {
    int answered = gateway.provider().requests().size();
    Form form = new Form().text("model", "openai/scripted").file("file", "a", SOUND);

    HttpResponse<String> response = send(TRANSCRIPTIONS, form.text("model", "other"));

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(response).at("/error/param").asText()).isEqualTo("model");
    assertThat(gateway.provider().requests()).hasSize(answered);
  }

  @Wire("14.answer")
  @Test
  void soundsReachTheClientByteForByte() throws Exception {
    HttpResponse<byte[]> response =
        client.send(
            json(
                "/v1/audio/speech",
                "{\"model\":\"openai/scripted\",\"input\":\"[[script size=300007]]\",\"voice\":\"alloy\"}"),
            BodyHandlers.ofByteArray());

    assertThat(response.headers().firstValue("content-type")).hasValue("audio/mpeg");
    assertThat(response.body()).isEqualTo(MediaAnswers.sound(300_007));
    JsonNode sent = gateway.provider().lastRequest().body();
    assertThat(sent.toString())
        .isEqualTo(
            "{\"model\":\"scripted\",\"input\":\"[[script size=300007]]\",\"voice\":\"alloy\"}");
  }

  @Wire("14.answer")
  @Test
  void streamsOfEventsPassThroughWithTheirUsage() {
    Form form = new Form().text("model", "openai/scripted").text("stream", "true");
    // The last event is longer than what is kept of a line.
    form.text("prompt", "[[script size=200000]]").file("file", "a.mp3", SOUND);

    HttpResponse<String> response = send(TRANSCRIPTIONS, form);

    assertThat(response.headers().firstValue("content-type")).hasValue("text/event-stream");
    assertThat(response.headers().firstValue("x-accel-buffering")).hasValue("no");
    assertThat(response.body())
        .startsWith("data: {\"type\":\"transcript.text.delta\"")
        .contains("transcript.text.done")
        .endsWith("\n\n");
    assertThat(record(response).tokensIn()).isEqualTo(14);
  }

  @Wire({"14.pass", "14.record"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "images/generations | image      | {'model':'openai/scripted','prompt':'a cat','size':'1024x1024'} | b64_json | 50 | 200",
        "images/edits       | image      | {'model':'openai/scripted','prompt':'a cat','images':[]}        | b64_json | 50 | 200",
        "moderations        | moderation | {'model':'openai/scripted','input':'kill'}                      | flagged\":true | 0 | 0",
        "moderations        | moderation | {'model':'openai/scripted','input':['a','b']}                   | flagged\":false | 0 | 0",
        "rerank             | rerank     | {'model':'vllm/scripted','query':'q','documents':['a','b'],'top_n':1} | relevance_score | 9 | 0",
        "audio/speech       | audio      | {'model':'openai/scripted','input':'hi','voice':'alloy'}        | | 0 | 0",
      })
  void requestsInJsonAreRecordedWithTheTokensThatTheProviderReports(
      String path, String type, String body, String answer, int in, int out) {
    HttpResponse<String> response = gateway.post("/v1/" + path, key, body.replace('\'', '"'));

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).contains(answer == null ? "" : answer);
    UsageRecord record = record(response);
    assertThat(record.status()).isEqualTo(Status.SUCCESS);
    assertThat(record.type()).isEqualTo(type);
    assertThat(record.tokensIn()).isEqualTo(in);
    assertThat(record.tokensOut()).isEqualTo(out);
    assertThat(response.headers().firstValue("x-llmproxy-model")).hasValue(record.model());
  }

  @Wire("14.pass")
  @Test
  void picturesToChangeAreSentAsFiles() {
    Form form = new Form().text("model", "openai/scripted").text("prompt", "blue");
    form.file("image[]", "a.png", SOUND).file("image[]", "b.png", SOUND).file("mask", "m", SOUND);

    HttpResponse<String> response = send("/v1/images/edits", form);

    assertThat(Gateway.json(response).at("/data/0/b64_json").asText()).isNotEmpty();
    JsonNode sent = gateway.provider().lastRequest().body();
    assertThat(sent.path("image[]")).hasSize(2);
    assertThat(sent.at("/mask/bytes").asInt()).isEqualTo(SOUND.length);
  }

  @Wire("14.record")
  @Test
  void costIsThatOfTheReportedTokensOrUnknown() {
    Form form = new Form().text("model", "openai/gpt-4o-transcribe").file("file", "a", SOUND);
    Form seconds = new Form().text("model", "openai/gpt-4o-transcribe");
    seconds.text("prompt", "[[script bare=1]]").file("file", "a", SOUND);

    UsageRecord counted = record(send(TRANSCRIPTIONS, form));
    UsageRecord timed = record(send(TRANSCRIPTIONS, seconds));

    // 4 tokens of text, 10 of sound, 45 of the answer, at $2.50, $6 and $10 a million.
    assertThat(counted.cost()).isEqualByComparingTo(new BigDecimal("0.00052"));
    assertThat(counted.tokensIn()).isEqualTo(14);
    assertThat(timed.cost()).isNull();
    assertThat(timed.tokensIn()).isZero();
  }

  @Wire("14.missing")
  @ParameterizedTest
  @CsvSource({
    "moderations, vllm/scripted, vllm", "audio/speech, vllm/scripted, vllm",
    "rerank, openai/scripted, openai", "images/generations, anthropic/claude-opus-5, anthropic"
  })
  void providerWithoutTheEndpointIsA404ThatSaysSo(String path, String model, String provider) {
    int asked = gateway.provider().requests().size() + other.requests().size();

    HttpResponse<String> response =
        gateway.post("/v1/" + path, key, "{\"model\":\"%s\",\"input\":\"x\"}".formatted(model));

    assertThat(response.statusCode()).isEqualTo(404);
    JsonNode error = Gateway.json(response).path("error");
    assertThat(error.path("code").asText()).isEqualTo("endpoint_not_found");
    assertThat(error.path("message").asText()).contains("`" + provider + "`", "/v1/" + path);
    assertThat(gateway.provider().requests().size() + other.requests().size()).isEqualTo(asked);
  }

  @Wire("14.pass")
  @ParameterizedTest
  @CsvSource({
    "{\"input\":\"x\"}, 400, model",
    "{\"model\":7}, 400, model",
    "{, 400,",
    "'', 400,",
    "{\"model\":\"nobody/nothing\"}, 404, model"
  })
  void requestWithoutAKnownModelIsRefused(String body, int status, String param) {
    HttpResponse<String> response = gateway.post("/v1/moderations", key, body);

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(Gateway.json(response).at("/error/param").asText(null)).isEqualTo(param);
  }

  @Wire("14.errors")
  @ParameterizedTest
  @CsvSource({"429, 429", "401, 502", "400, 400", "404, 404", "500, 502", "503, 502"})
  void errorsOfTheProviderHaveTheFormOfChats(int upstream, int status) {
    String script = "[[script status=%d]]".formatted(upstream);
    Form form = new Form().text("model", "openai/scripted").text("prompt", script);

    HttpResponse<String> ofForm = send(TRANSCRIPTIONS, form.file("file", "a", SOUND));
    HttpResponse<String> ofJson =
        gateway.post(
            "/v1/audio/speech",
            key,
            "{\"model\":\"openai/scripted\",\"input\":\"" + script + "\"}");

    for (HttpResponse<String> response : List.of(ofForm, ofJson)) {
      assertThat(response.statusCode()).isEqualTo(status);
      assertThat(Gateway.json(response).at("/error/message").asText()).isNotEmpty();
      UsageRecord record = record(response);
      assertThat(record.status()).isEqualTo(Status.ERROR);
      assertThat(record.type()).isEqualTo("audio");
    }
  }

  @Wire("14.errors")
  @Test
  void answerThatBreaksIsNoWholeAnswer() throws Exception {
    HttpRequest request =
        json(
            "/v1/audio/speech",
            "{\"model\":\"openai/breaking\",\"input\":\"[[script cut=3]]\",\"voice\":\"a\"}");

    IOException failure = null;
    try {
      client.send(request, BodyHandlers.ofByteArray());
    } catch (IOException broken) {
      failure = broken;
    }

    assertThat(failure).isNotNull();
    assertThat(
            gateway
                .awaitRecord(record ->
                    record.status() == Status.ERROR && record.model().equals("openai/breaking"))
                .type())
        .isEqualTo("audio");
  }

  @Wire("14.errors")
  @Test
  void streamThatBreaksEndsWithAnErrorEvent() {
    Form form = new Form().text("model", "openai/scripted").text("stream", "true");
    form.text("prompt", "[[script cut=2]]").file("file", "a", SOUND);

    List<String> lines = send(TRANSCRIPTIONS, form).body().lines().toList();

    assertThat(lines).contains("event: error");
    assertThat(lines.get(lines.indexOf("event: error") - 1)).isEmpty();
    assertThat(lines.get(lines.indexOf("event: error") + 1)).startsWith("data: {\"error\":{");
  }

  @Wire("14.attempts")
  @Test
  void nextTargetIsAskedUnlessTheFormIsSentWhileItArrives() {
    Form live = new Form().text("model", "hear").file("file", "a", SOUND);
    Form whole = new Form().file("file", "a", SOUND).text("model", "hear");

    HttpResponse<String> once = send(TRANSCRIPTIONS, live);
    HttpResponse<String> again = send(TRANSCRIPTIONS, whole);
    HttpResponse<String> able =
        gateway.post(
            "/v1/rerank", key, "{\"model\":\"rank\",\"query\":\"q\",\"documents\":[\"a\"]}");

    assertThat(once.statusCode()).isEqualTo(502);
    assertThat(again.statusCode()).isEqualTo(200);
    assertThat(again.headers().firstValue("x-llmproxy-model")).hasValue("vllm/scripted");
    assertThat(other.requests().stream().map(RecordedRequest::path))
        .contains("/v1/audio/transcriptions");
    assertThat(able.statusCode()).isEqualTo(200);
    assertThat(able.headers().firstValue("x-llmproxy-attempts")).hasValue("1");
  }

  @Wire("14.record")
  @Test
  void limitOfRequestsCounts() {
    String once = gateway.createKey("once@example.com", "once");
    String body = "{\"model\":\"openai/scripted\",\"input\":\"x\"}";

    assertThat(gateway.post("/v1/moderations", once, body).statusCode()).isEqualTo(200);
    assertThat(gateway.post("/v1/moderations", once, body).statusCode()).isEqualTo(429);
  }

  @Wire("2.early")
  @Test
  void keyIsCheckedBeforeTheFormArrives() throws IOException {
    try (RawConnection raw = gateway.connect()) {
      raw.write(head("sk-wrong", 30_000_000));

      assertThat(raw.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 401 ");
    }
  }

  @Wire("14.size")
  @Test
  void formOverTheLimitIsRefused() throws IOException {
    try (RawConnection raw = gateway.connect()) {
      raw.write(head(key, (32 << 20) + 1));

      assertThat(raw.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 413 ");
    }
  }

  @Wire("14.size")
  @Test
  void formOfAStalledClientIsRefused() throws IOException {
    try (RawConnection raw = gateway.connect()) {
      raw.write(head(key, 100_000) + Form.texts("raw", "openai/scripted").substring(0, 60));

      assertThat(raw.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 408 ");
    }
  }

  @Wire("14.leave")
  @Test
  void clientThatLeavesWhileItSendsEndsTheRequestToTheProvider() throws IOException {
    int answered = gateway.provider().requests().size();
    Form form = new Form().text("model", "openai/leaving").file("file", "a", SOUND);
    try (RawConnection raw = gateway.connect()) {
      raw.write(head(key, 1_000_000) + form.start("raw"));
      // The request is under way.
      Awaitility.await()
          .until(() ->
              gateway.application().usageMeter().running().stream()
                  .anyMatch(call -> call.target().servedModel().equals("openai/leaving")));
    }

    UsageRecord record = gateway.awaitRecord(each -> each.model().equals("openai/leaving"));
    assertThat(record.status()).isEqualTo(Status.CANCELLED);
    assertThat(gateway.provider().requests()).hasSize(answered);
  }

  @Wire("14.leave")
  @Test
  void clientThatLeavesTheAnswerEndsTheRequestToTheProvider() throws IOException {
    int cancelled = gateway.provider().cancelled();
    try (RawConnection raw = gateway.connect()) {
      raw.post(
          "/v1/audio/speech",
          key,
          "{\"model\":\"openai/left\",\"input\":\"[[script hold=2]]\",\"voice\":\"a\"}");
      raw.readUntil("audio/mpeg");
    }

    Awaitility.await().until(() -> gateway.provider().cancelled() == cancelled + 1);
    assertThat(gateway.awaitRecord(each -> each.model().equals("openai/left")).status())
        .isEqualTo(Status.CANCELLED);
  }

  private static String head(String bearer, int length) {
    return "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=raw\r\nContent-Length: %d\r\n\r\n"
        .formatted(TRANSCRIPTIONS, bearer, length);
  }

  private static UsageRecord record(HttpResponse<?> response) {
    String id = response.headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(record -> record.requestId().equals(id));
  }

  private static HttpRequest json(String path, String body) {
    return gateway
        .request(path, key)
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofString(body))
        .build();
  }

  private static HttpResponse<String> send(String path, Form form) {
    return send(path, "multipart/form-data; boundary=\"" + BOUNDARY + "\"", form.bytes());
  }

  private static HttpResponse<String> send(String path, String type, byte[] body) {
    return gateway.send(
        gateway
            .request(path, key)
            .header("Content-Type", type)
            .POST(BodyPublishers.ofByteArray(body))
            .build());
  }

  /** A form as browsers and SDKs write it. */
  private static final class Form {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    static String texts(String boundary, String... models) {
      StringBuilder form = new StringBuilder();
      for (String model : models) {
        form.append(
            "--%s\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n%s\r\n"
                .formatted(boundary, model));
      }
      return form.append("--").append(boundary).append("--\r\n").toString();
    }

    Form text(String name, String value) {
      return add("name=\"" + name + "\"\r\n\r\n", value.getBytes(StandardCharsets.UTF_8));
    }

    Form file(String name, String file, byte[] content) {
      String escaped = file.replace("\"", "%22");
      return add(
          "name=\"%s\"; filename=\"%s\"\r\nContent-Type: audio/mpeg\r\n\r\n"
              .formatted(name, escaped),
          content);
    }

    private Form add(String head, byte[] content) {
      bytes.writeBytes(
          ("--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + head)
              .getBytes(StandardCharsets.UTF_8));
      bytes.writeBytes(content);
      bytes.writeBytes(new byte[] {'\r', '\n'});
      return this;
    }

    byte[] bytes() {
      ByteArrayOutputStream whole = new ByteArrayOutputStream();
      whole.writeBytes(bytes.toByteArray());
      whole.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.US_ASCII));
      return whole.toByteArray();
    }

    /** The form with another boundary, without its end. */
    String start(String boundary) {
      return bytes.toString(StandardCharsets.ISO_8859_1).replace(BOUNDARY, boundary);
    }
  }
}
