package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.EventSchemas;
import dev.llmproxy.emulator.SignInStandIn;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers from the response cache, over HTTP. */
class ResponseCacheRouteTest {
  private static final String HEADER = "x-llmproxy-cache";
  private static final AtomicInteger QUESTIONS = new AtomicInteger();

  private static SignInStandIn google;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    google = SignInStandIn.start();
    Map<String, String> settings = new HashMap<>(google.settings());
    settings.put("LLMPROXY_ALLOWED_USERS", "ann@example.com");
    settings.put("RESPONSE_CACHE_MB", "4");
    settings.put("RATE_LIMIT_TINY", "2");
    settings.put("MODEL_ALIASES", "one -> openai/gpt-4o-mini, other -> openai/gpt-4o");
    gateway = Gateway.start(data, settings);
    key = gateway.createKey("ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    google.close();
  }

  @Wire({"8.header", "8.replay"})
  @ParameterizedTest
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void secondAnswerIsTheFirstWhateverTheirForms(boolean first, boolean second) {
    String question = question("[[script reasoning=1]]");
    int asked = asked();

    HttpResponse<String> miss = ask(question, first);
    HttpResponse<String> hit = ask(question, second);

    assertThat(asked()).isEqualTo(asked + 1);
    assertThat(cache(miss)).hasValue("miss");
    assertThat(cache(hit)).hasValue("hit");
    ObjectNode one = completion(miss);
    ObjectNode two = completion(hit);
    assertThat(two.get("choices")).isEqualTo(one.get("choices"));
    assertThat(two.get("usage")).isEqualTo(one.get("usage"));
    assertThat(two.get("id")).isNotEqualTo(one.get("id"));
    assertThat(id(hit)).isNotEqualTo(id(miss));
    assertThat(hit.headers().firstValue("x-llmproxy-model")).hasValue("openai/scripted");
    assertThat(hit.headers().firstValue("x-ratelimit-remaining-requests")).isPresent();
    assertThat(hit.headers().firstValue("content-type"))
        .isEqualTo(ask(question(""), second).headers().firstValue("content-type"));
  }

  /** ContractStreamRouteTest checks these habits of providers without the cache. */
  @Wire({"8.replay", "5.form", "5.5", "5.5b", "5.6"})
  @ParameterizedTest
  @ValueSource(
      strings = {"", "tools=2", "n=3", "n=2 tools=2", "fields=1", "logprobs=1", "finish=length"})
  void replayedStreamHasTheFormOfAStream(String habit) {
    String question = question("[[script " + habit + "]]");
    ask(question, false);

    String raw = ask(question, true).body();

    List<String> lines = raw.lines().filter(line -> !line.isEmpty()).toList();
    assertThat(lines.getLast()).isEqualTo("data: [DONE]");
    assertThat(raw).endsWith("data: [DONE]\n\n").containsOnlyOnce("[DONE]");
    List<JsonNode> chunks =
        lines.subList(0, lines.size() - 1).stream()
            .map(line -> parsed(line.substring("data: ".length())))
            .toList();
    assertThat(chunks).hasSizeGreaterThan(2);
    assertThat(chunks.stream().map(chunk -> chunk.get("id")).distinct()).hasSize(1);
    assertThat(chunks.getLast().path("choices")).isEmpty();
    assertThat(chunks.getLast().at("/usage/total_tokens").asInt()).isPositive();
    assertThat(chunks.subList(0, chunks.size() - 1))
        .allSatisfy(chunk -> {
          assertThat(chunk.path("choices")).hasSize(1);
          assertThat(chunk.path("usage").isObject()).isFalse();
        });
    ObjectNode unasked = body("openai/scripted", question).put("stream", true);
    assertThat(post(unasked, null).body()).contains("[DONE]").doesNotContain("\"usage\":{");
  }

  @Test
  void hitIsRecordedWithItsTokensAtNoCost() {
    String question = question("");
    ObjectNode body = body("one", question);
    HttpResponse<String> miss = post(body, null);
    try (LogLines lines = LogLines.open()) {
      HttpResponse<String> hit = post(body, null);

      UsageRecord paid = record(miss);
      UsageRecord free = record(hit);
      assertThat(paid.cost()).isPositive();
      assertThat(free.cost()).isZero();
      assertThat(free.tokensIn()).isEqualTo(paid.tokensIn()).isPositive();
      assertThat(free.tokensOut()).isEqualTo(paid.tokensOut()).isPositive();
      assertThat(free.turns()).isZero();
      assertThat(free.status()).isEqualTo(Status.SUCCESS);
      assertThat(free.model()).isEqualTo("openai/gpt-4o-mini");
      assertThat(
              Awaitility.await()
                  .until(
                      () ->
                          lines.said().stream().filter(line -> line.contains(id(hit))).findFirst(),
                      Optional::isPresent)
                  .orElseThrow())
          .endsWith(" cached")
          .contains(" SUCCESS 200 ");
    }
  }

  @Wire("8.same")
  @Test
  void modelThatAnswersCountsAndNotItsName() {
    String question = question("");
    int asked = asked();

    assertThat(cache(post(body("one", question), null))).hasValue("miss");
    HttpResponse<String> hit = post(body("openai/gpt-4o-mini", question), null);
    assertThat(cache(hit)).hasValue("hit");
    assertThat(completion(hit).path("model").asText()).isEqualTo("openai/gpt-4o-mini");
    assertThat(cache(post(body("other", question), null))).hasValue("miss");
    assertThat(asked()).isEqualTo(asked + 2);
  }

  @Wire("8.same")
  @Test
  void otherKeysDoNotGetTheAnswer() {
    ObjectNode body = body("openai/scripted", question(""));
    String second = gateway.createKey("ann@example.com");

    post(body, null);

    assertThat(cache(gateway.post(second, Json.text(body)))).hasValue("miss");
    assertThat(cache(gateway.post(second, Json.text(body)))).hasValue("hit");
  }

  @Wire("8.applies")
  @ParameterizedTest
  @CsvSource({
    "0,   ,    miss, hit",
    "0.0, ,    miss, hit",
    "0.5, ,    ,",
    ",    ,    ,",
    "1,   use, miss, hit",
    ",    USE, miss, hit",
    "0,   off, ,",
    "0,   refresh, miss, miss",
  })
  void clientAndTemperatureDecideWhetherTheCacheIsUsed(
      String temperature, String wish, String first, String second) {
    ObjectNode body = body("openai/scripted", question(""));
    body.remove("temperature");
    if (temperature != null) {
      body.set("temperature", parsed(temperature));
    }

    assertThat(cache(post(body, wish))).isEqualTo(Optional.ofNullable(first));
    assertThat(cache(post(body, wish))).isEqualTo(Optional.ofNullable(second));
  }

  @Wire("8.applies")
  @Test
  void refreshReplacesTheStoredAnswer() {
    ObjectNode body = body("openai/scripted", question(""));
    post(body, null);
    int asked = asked();

    assertThat(cache(post(body, "refresh"))).hasValue("miss");
    assertThat(asked()).isEqualTo(asked + 1);
    assertThat(cache(post(body, null))).hasValue("hit");
    assertThat(asked()).isEqualTo(asked + 1);
  }

  @Wire("8.applies")
  @Test
  void anyOtherWishIsAnError() {
    HttpResponse<String> answer = post(body("openai/scripted", question("")), "always");

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(answer).at("/error/param").asText()).isEqualTo(HEADER);
  }

  @Wire("8.stored")
  @ParameterizedTest
  @ValueSource(strings = {"status=500", "status=429", "cut=2", "end=2", "error=2", "finish=error"})
  void failuresAreNotStored(String mishap) {
    String question = question("[[script chunks=4 " + mishap + "]]");
    int asked = asked();

    for (boolean stream : new boolean[] {false, true, false}) {
      HttpResponse<String> answer = ask(question, stream);
      assertThat(cache(answer)).hasValue("miss");
      assertThat(answer.body()).contains("\"error\"");
    }
    assertThat(asked()).isGreaterThanOrEqualTo(asked + 3);
  }

  @Wire("8.stored")
  @Test
  void answerToAClientThatLeftIsNotStored() throws IOException {
    ObjectNode body = body("openai/scripted", question("[[script chunks=3 hold=2]]"));
    body.put("stream", true);
    try (RawConnection client = gateway.connect()) {
      client.post("/v1/chat/completions", key, Json.text(body));
      client.readUntil("word2");
    }
    gateway.awaitRecord(record -> record.status() == Status.CANCELLED);
    gateway.provider().release();

    assertThat(cache(post(body, null))).hasValue("miss");
    gateway.provider().release();
  }

  @Wire("8.stored")
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void clientThatAsksAgainAtOnceGetsTheStoredAnswer(boolean stream) {
    for (int round = 0; round < 40; round++) {
      ObjectNode body = body("openai/scripted", "at once " + round + stream).put("stream", stream);
      String request = Json.text(body.put("temperature", 0));
      gateway.post(key, request);

      assertThat(cache(gateway.post(key, request))).as("round %d", round).hasValue("hit");
    }
  }

  @Wire("8.stored")
  @Test
  void answersForWhichToolsHaveRunAreNotStored() {
    ObjectNode body =
        body(
            "openai/scripted", question("[[script calls='calculator {\"expression\": \"6*7\"}']]"));
    body.putArray("tools").addObject().put("type", "calculator");

    assertThat(cache(post(body, null))).hasValue("miss");
    assertThat(cache(post(body, null))).hasValue("miss");

    ObjectNode unused = body("openai/scripted", question(""));
    unused.putArray("tools").addObject().put("type", "calculator");
    HttpResponse<String> miss = post(unused, null);
    HttpResponse<String> hit = post(unused, null);
    assertThat(cache(hit)).hasValue("hit");
    assertThat(completion(hit).get("choices")).isEqualTo(completion(miss).get("choices"));
  }

  @Wire("8.gate")
  @Test
  void revokedKeysAndKeysAtTheirLimitGetNoStoredAnswer() {
    ObjectNode body = body("openai/scripted", question(""));
    String limited = gateway.createKey("tiny@example.com", "tiny");
    gateway.post(limited, Json.text(body));
    assertThat(cache(gateway.post(limited, Json.text(body)))).hasValue("hit");
    HttpResponse<String> third = gateway.post(limited, Json.text(body));
    assertThat(third.statusCode()).isEqualTo(429);
    assertThat(cache(third)).isEmpty();

    String revoked = gateway.createKey("revoked@example.com");
    gateway.post(revoked, Json.text(body));
    ApiKeyBook book = new ApiKeyBook(gateway.application().workbook());
    book.revoke(
        book.rows().stream()
            .filter(row -> row.email().equals("revoked@example.com"))
            .findFirst()
            .orElseThrow());
    gateway.awaitKnown(revoked, false);
    HttpResponse<String> refused = gateway.post(revoked, Json.text(body));
    assertThat(refused.statusCode()).isEqualTo(401);
    assertThat(cache(refused)).isEmpty();
  }

  @Wire("8.replay")
  @Test
  void chatsOfPeopleAreReplayedAsEvents() {
    String token = google.token("ann@example.com");
    ObjectNode form = body("openai/scripted", question("[[script reasoning=1]]"));
    form.remove("temperature");
    form.putObject("options").put("temperature", 0);

    HttpResponse<String> miss = gateway.post("/chat", token, Json.text(form));
    HttpResponse<String> hit = gateway.post("/chat", token, Json.text(form));

    assertThat(cache(miss)).hasValue("miss");
    assertThat(cache(hit)).hasValue("hit");
    List<EventSchemas.Event> one = EventSchemas.events(miss.body());
    List<EventSchemas.Event> two = EventSchemas.events(hit.body());
    for (String name : List.of("thinking", "delta")) {
      assertThat(text(two, name)).isEqualTo(text(one, name)).isNotEmpty();
    }
    ObjectNode end = (ObjectNode) two.getLast().data();
    assertThat(end.path("usage")).isEqualTo(one.getLast().data().path("usage"));
    assertThat(end.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(end.path("turns").asInt()).isZero();
    assertThat(record(hit).cost()).isZero();
  }

  @Wire("8.header")
  @Test
  void cacheIsOffByDefault(@TempDir Path data) {
    try (Gateway plain = Gateway.start(data)) {
      String own = plain.createKey("ann@example.com");
      String body = Json.text(body("openai/scripted", question("")));

      for (int i = 1; i <= 2; i++) {
        assertThat(cache(plain.post(own, body))).isEmpty();
        assertThat(plain.provider().requests()).hasSize(i);
      }
      assertThat(plain.application().responseCache().bytes()).isZero();
    }
  }

  @Test
  void memoryIsLimited(@TempDir Path data) {
    try (Gateway small = Gateway.start(data, Map.of("RESPONSE_CACHE_MB", "1"))) {
      String own = small.createKey("ann@example.com");
      String long100k = "[[script chunks=1 size=100000]]";
      for (int i = 0; i < 30; i++) {
        small.post(own, Json.text(body("openai/scripted", question(long100k))));
      }
      assertThat(small.application().responseCache().bytes()).isBetween(800L << 10, 1L << 20);
    }
  }

  private static HttpResponse<String> ask(String question, boolean stream) {
    ObjectNode body = body("openai/scripted", question).put("stream", stream);
    if (stream) {
      body.putObject("stream_options").put("include_usage", true);
    }
    return post(body, null);
  }

  private static HttpResponse<String> post(ObjectNode body, String wish) {
    var request =
        gateway.request("/v1/chat/completions", key).POST(BodyPublishers.ofString(Json.text(body)));
    return gateway.send((wish == null ? request : request.header(HEADER, wish)).build());
  }

  private static ObjectNode body(String model, String question) {
    ObjectNode body = Json.object().put("model", model).put("temperature", 0);
    body.putArray("messages").addObject().put("role", "user").put("content", question);
    return body;
  }

  /** A question that no other test asks. */
  private static String question(String script) {
    return "question " + QUESTIONS.incrementAndGet() + " " + script;
  }

  private static int asked() {
    return gateway.provider().requests().size();
  }

  private static Optional<String> cache(HttpResponse<String> answer) {
    return answer.headers().firstValue(HEADER);
  }

  private static String id(HttpResponse<String> answer) {
    return answer.headers().firstValue("x-request-id").orElseThrow();
  }

  private static UsageRecord record(HttpResponse<String> answer) {
    return gateway.awaitRecord(record -> record.requestId().equals(id(answer)));
  }

  private static String text(List<EventSchemas.Event> events, String name) {
    return String.join(
        "",
        events.stream()
            .filter(event -> event.name().equals(name))
            .map(event -> event.data().path("content").asText())
            .toList());
  }

  /** The answer as a completion, also when it is a stream. */
  private static ObjectNode completion(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).isEqualTo(200);
    if (!answer.body().startsWith("data:")) {
      return (ObjectNode) Gateway.json(answer);
    }
    List<JsonNode> chunks = new ArrayList<>();
    answer
        .body()
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .forEach(line -> chunks.add(parsed(line.substring("data: ".length()))));
    ObjectNode usage = (ObjectNode) chunks.removeLast().get("usage");
    var accumulator = new Accumulator();
    Stream.concat(
            chunks.stream().map(chunk -> new ChatEvent.Delta((ObjectNode) chunk)),
            Stream.of(new ChatEvent.Complete(usage)))
        .forEach(accumulator::add);
    return accumulator.completion();
  }

  private static JsonNode parsed(String json) {
    try {
      return Json.parse(json);
    } catch (IOException e) {
      throw new IllegalStateException("Not JSON: " + json, e);
    }
  }
}
