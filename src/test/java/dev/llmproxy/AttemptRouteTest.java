package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempt;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.ledger.AttemptTable;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Providers that fail, and others that answer in their place. */
class AttemptRouteTest {
  private static final String SECOND = "cerebras/scripted";

  /** The preset of the first target, the provider's status, and the outcome of the attempt. */
  private static final List<List<String>> FAILURES =
      List.of(
          List.of("scripted-down", "503", "upstream_error"),
          List.of("scripted-broken", "500", "upstream_error"),
          List.of("scripted-busy", "429", "rate_limit_exceeded"),
          List.of("no-such-model", "404", "model_not_found"),
          List.of("scripted-dropping", "0", "upstream_error"),
          List.of("scripted-cut", "0", "upstream_error"),
          List.of("scripted-ended", "0", "upstream_error"),
          List.of("scripted-error", "0", "upstream_error"),
          List.of("scripted-silent", "0", "upstream_timeout"),
          List.of("scripted-mute", "0", "upstream_timeout"));

  private static final ScriptedProvider FIRST_PROVIDER = ScriptedProvider.start();
  private static final ScriptedProvider SECOND_PROVIDER = ScriptedProvider.start();
  private static Path temporary;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    temporary = folder;
    Path home = OwnHome.copyTo(folder.resolve("home"));
    StringBuilder aliases = new StringBuilder("aliases:\n");
    FAILURES.forEach(failure ->
        aliases.append(
            "  from-%s: [groq/%s, %s]\n".formatted(failure.get(0), failure.get(0), SECOND)));
    aliases.append(
        """
          cut-later: [groq/scripted-cut-later, cerebras/scripted]
          all-down: [groq/scripted-down, cerebras/scripted-busy]
          both-down: [groq/scripted-down, cerebras/scripted-down]
          locked: [mistral/scripted-locked, cerebras/scripted]
          unpaid: [xai/scripted-unpaid, cerebras/scripted]
          picky: [groq/scripted-picky, cerebras/scripted]
          gone: [compatible/m, cerebras/scripted]
          embed: [groq/scripted-down, cerebras/scripted]
          short: {models: [groq/scripted-short], contextLength: cerebras/scripted}
          prude: {models: [groq/scripted-prude], contentPolicy: cerebras/scripted}
          filter: {models: [groq/scripted-filter], contentPolicy: cerebras/scripted}
          priced: [groq/llama-3.1-8b-instant, openai/gpt-4o-mini]
          weighted: [{model: groq/scripted, weight: 1}, {model: cerebras/scripted, weight: 0}]
        """);
    Files.writeString(home.resolve("providers/routing.yaml"), aliases);
    Map<String, String> settings = new HashMap<>();
    settings.put("GROQ_BASE_URL", FIRST_PROVIDER.baseUrl());
    settings.put("GROQ_API_KEY", "first-key");
    settings.put("MISTRAL_BASE_URL", FIRST_PROVIDER.baseUrl());
    settings.put("MISTRAL_API_KEY", "key-1, key-2");
    settings.put("XAI_BASE_URL", FIRST_PROVIDER.baseUrl());
    settings.put("XAI_API_KEY", "key-3,key-4");
    settings.put("CEREBRAS_BASE_URL", SECOND_PROVIDER.baseUrl());
    settings.put("CEREBRAS_API_KEY", "second-key");
    // Nothing listens on the port 1.
    settings.put("COMPATIBLE_BASE_URL", "http://127.0.0.1:1/v1");
    settings.put("PROVIDER_FIRST_TOKEN_SECONDS", "1");
    gateway = Gateway.startAt(home, folder.resolve("data"), settings);
    key = gateway.createKey("attempts@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    FIRST_PROVIDER.close();
    SECOND_PROVIDER.close();
  }

  static Stream<Arguments> failures() {
    return FAILURES.stream()
        .flatMap(failure ->
            // A limited target is left alone afterwards.
            (failure.get(1).equals("429") ? Stream.of(true) : Stream.of(true, false))
                .map(stream ->
                    Arguments.of(
                        failure.get(0), Integer.parseInt(failure.get(1)), failure.get(2), stream)));
  }

  @Wire({"10.next", "10.headers"})
  @ParameterizedTest
  @MethodSource("failures")
  void nextTargetAnswersWhenTheFirstOneFailsBeforeItsContent(
      String preset, int status, String outcome, boolean stream) throws Exception {
    HttpResponse<String> answer = gateway.chat(key, "from-" + preset, stream, "Hello there");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains("Hello").doesNotContain("\"error\"");
    assertThat(header(answer, "x-llmproxy-provider")).isEqualTo("cerebras");
    assertThat(header(answer, "x-llmproxy-model")).isEqualTo(SECOND);
    String tried = "groq/" + preset + " " + (status == 0 ? "" : status + " ") + outcome;
    assertThat(header(answer, "x-llmproxy-tried")).isEqualTo(tried);
    UsageRecord record = record(answer);
    assertThat(record.model()).isEqualTo(SECOND);
    assertThat(record.status()).isEqualTo(Status.SUCCESS);
    assertThat(record.turns()).isEqualTo(1);
    List<Attempt> attempts = attempts(record);
    assertThat(header(answer, "x-llmproxy-attempts")).isEqualTo("" + attempts.size());
    assertThat(attempts)
        .extracting(Attempt::model, Attempt::outcome, Attempt::status)
        .startsWith(tuple("groq/" + preset, outcome, status))
        .endsWith(tuple(SECOND, "answered", 200))
        .hasSize(2);
  }

  @Wire("10.next")
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void nextTargetAnswersWhenNothingListensAtTheFirstOne(boolean stream) {
    HttpResponse<String> answer = gateway.chat(key, "gone", stream, "Hello there");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "x-llmproxy-tried")).isEqualTo("compatible/m upstream_error");
  }

  @Wire({"10.next", "10.sent"})
  @Test
  void providerThatIsKilledUnderLoadCostsNoClientAnErrorThatHasNoContentYet() throws Exception {
    ScriptedProvider dying = ScriptedProvider.start();
    Map<String, String> settings =
        Map.of(
            "GROQ_BASE_URL", dying.baseUrl(),
            "GROQ_API_KEY", "a",
            "MODEL_ALIASES", "fast -> groq/scripted | openai/scripted",
            "PROVIDER_RETRIES", "1",
            "BREAKER_FAILURE_PERCENT", "50");
    try (Gateway own = Gateway.start(folder(), settings);
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      String ownKey = own.createKey("load@example.com");
      List<Future<HttpResponse<String>>> answers = new ArrayList<>();
      for (int client = 0; client < 20; client++) {
        boolean stream = client % 2 == 0;
        for (int i = 0; i < 20; i++) {
          String text = "[[script chunks=20 gap=5]]";
          answers.add(clients.submit(() -> own.chat(ownKey, "fast", stream, text)));
        }
      }
      Awaitility.await().until(() -> dying.requests().size() >= 100);

      dying.close();

      for (Future<HttpResponse<String>> each : answers) {
        HttpResponse<String> answer = each.get();
        assertThat(answer.statusCode()).isEqualTo(200);
        if (answer.body().contains("event: error")) {
          assertThat(answer.body()).contains("\"content\":\"word");
          assertThat(header(answer, "x-llmproxy-provider")).isEqualTo("groq");
        }
      }
      assertThat(own.provider().requests()).isNotEmpty();
      own.awaitRecords(answers.size());
    } finally {
      dying.close();
    }
  }

  @Wire({"10.paused", "10.health"})
  @Test
  void modelThatFailsTooOftenIsPausedAndTheHealthSaysSo() {
    Path data = folder();
    Map<String, String> settings = Map.of("BREAKER_FAILURE_PERCENT", "50", "BREAKER_CALLS", "3");
    try (Gateway own = Gateway.start(data, settings)) {
      String ownKey = own.createKey("health@example.com");
      own.chat(ownKey, "openai/scripted", false, "Hi");
      assertThat(own.get("/health", null).body()).isEqualTo("{\"status\":\"ok\"}");
      for (int i = 0; i < 3; i++) {
        assertThat(own.chat(ownKey, "openai/scripted-down", false, "Hi").statusCode())
            .isEqualTo(502);
      }

      HttpResponse<String> paused = own.chat(ownKey, "openai/scripted-down", true, "Hi");

      assertThat(paused.statusCode()).isEqualTo(503);
      assertThat(Integer.parseInt(header(paused, "retry-after"))).isBetween(1, 15);
      assertThat(own.provider().requests()).hasSize(4);
      HttpResponse<String> health = own.get("/health", ownKey);
      assertThat(health.statusCode()).isEqualTo(200);
      JsonNode models = Gateway.json(health).path("models");
      assertThat(models).hasSize(2);
      assertThat(models.path(0).path("model").asText()).isEqualTo("openai/scripted");
      assertThat(models.path(0).path("breaker").asText()).isEqualTo("closed");
      assertThat(models.path(0).path("first_content_ms").asInt()).isPositive();
      assertThat(models.path(1).path("breaker").asText()).isEqualTo("open");
      assertThat(models.path(1).path("failures").asInt()).isEqualTo(3);
      assertThat(models.path(1).path("last_error").asText()).isEqualTo("503 upstream_error");
      assertThat(own.get("/health", null).body()).isEqualTo("{\"status\":\"degraded\"}");
      assertThat(own.get("/health", "sk-wrong").statusCode()).isEqualTo(401);
    }
  }

  @Wire("10.sent")
  @Test
  void streamThatFailsAfterItsFirstContentEndsWithTheErrorAndNobodyElseIsAsked() {
    int before = SECOND_PROVIDER.requests().size();

    HttpResponse<String> answer = gateway.chat(key, "cut-later", true, "Hello there");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).contains("event: error").doesNotContain("[DONE]");
    assertThat(header(answer, "x-llmproxy-provider")).isEqualTo("groq");
    assertThat(header(answer, "x-llmproxy-attempts")).isEqualTo("1");
    assertThat(SECOND_PROVIDER.requests()).hasSize(before);
    assertThat(record(answer).model()).isEqualTo("groq/scripted-cut-later");
  }

  @Wire("10.next")
  @Test
  void answerThatIsLostBeforeAnyOfItWasSentComesFromTheNextTarget() throws Exception {
    HttpResponse<String> answer = gateway.chat(key, "cut-later", false, "Hello there");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(
            Gateway.json(answer).path("choices").path(0).path("message").path("content").asText())
        .isEqualTo("You said: Hello there");
    assertThat(header(answer, "x-llmproxy-model")).isEqualTo(SECOND);
    assertThat(header(answer, "x-llmproxy-tried"))
        .isEqualTo("groq/scripted-cut-later upstream_error");
    UsageRecord record = record(answer);
    assertThat(record.turns()).isEqualTo(1);
    assertThat(record.tokensOut())
        .isEqualTo(Gateway.json(answer).path("usage").path("completion_tokens").asLong());
    assertThat(attempts(record)).hasSize(2);
  }

  @Wire("10.next")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/v1/responses   | {\"model\":\"cut-later\",\"input\":\"Hello there\"} | /output/0/content/0/text",
        "/v1/messages    | {\"model\":\"cut-later\",\"max_tokens\":99,\"messages\":[{\"role\":\"user\",\"content\":\"Hello there\"}]} | /content/0/text",
        "/v1/completions | {\"model\":\"cut-later\",\"prompt\":\"Hello there\",\"max_tokens\":99} | /choices/0/text"
      })
  void answerOfAnotherFormatThatIsLostHasNoPieceOfTheFirstAttempt(
      String path, String request, String text) {
    HttpResponse<String> answer = gateway.post(path, key, request);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(Gateway.json(answer).at(text).asText()).isEqualTo("You said: Hello there");
    assertThat(header(answer, "x-llmproxy-attempts")).isEqualTo("2");
  }

  @Wire("10.total")
  @Test
  void answerThatIsNotCompleteInTimeEndsWithATimeout() {
    Path data = folder();
    try (Gateway own = Gateway.start(data, Map.of("PROVIDER_TOTAL_SECONDS", "1"))) {
      String ownKey = own.createKey("total@example.com");

      HttpResponse<String> stream = own.chat(ownKey, "openai/scripted-silent-later", true, "Hi");
      HttpResponse<String> plain = own.chat(ownKey, "openai/scripted-silent-later", false, "Hi");
      HttpResponse<String> mute = own.chat(ownKey, "openai/scripted-mute", true, "Hi");

      assertThat(stream.statusCode()).isEqualTo(200);
      assertThat(stream.body()).contains("event: error", "PROVIDER_TOTAL_SECONDS");
      assertThat(List.of(plain, mute))
          .allSatisfy(answer -> {
            assertThat(answer.statusCode()).isEqualTo(504);
            assertThat(Gateway.json(answer).path("error").path("code").asText())
                .isEqualTo("upstream_timeout");
          });
      Awaitility.await().until(() -> own.provider().cancelled() >= 2);
    }
  }

  @Wire("10.slow")
  @Test
  void streamWhoseFirstContentTakesLongIsKeptAlive() throws Exception {
    Path data = folder();
    try (Gateway own = Gateway.start(data, Map.of("STREAM_KEEPALIVE_SECONDS", "5"))) {
      String ownKey = own.createKey("slow@example.com");
      String body =
          """
          {"model": "openai/scripted", "stream": true, "messages": [
            {"role": "user", "content": "[[script hold=0]]Hello"}]}
          """;
      try (RawConnection client = own.connect()) {
        client.write(
            RawConnection.request("/v1/chat/completions", ownKey, body, "Connection: close"));

        String head = client.readUntil(": ping\n");
        own.provider().release();

        assertThat(head).startsWith("HTTP/1.1 200 ").doesNotContain("data:");
        assertThat(client.readUntil("[DONE]")).contains("\"content\":\"You\"");
      }
    }
  }

  @Test
  void clientThatLeavesWhileAnotherAttemptWaitsEndsTheRequest() {
    Path data = folder();
    Map<String, String> settings =
        Map.of("PROVIDER_RETRIES", "10", "PROVIDER_PATIENCE_SECONDS", "600");
    try (Gateway own = Gateway.start(data, settings)) {
      String ownKey = own.createKey("leaves@example.com");
      HttpRequest request =
          own.request("/v1/chat/completions", ownKey)
              .header("Content-Type", "application/json")
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      """
                      {"model": "openai/scripted", "messages": [
                        {"role": "user", "content": "[[script status=429 retry_after=19]]"}]}
                      """))
              .build();
      try (HttpClient client = HttpClient.newHttpClient()) {
        var answer = client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
        Awaitility.await().until(() -> own.provider().requests().size() == 1);
        client.shutdownNow();
        assertThat(answer).isNotNull();
      }

      assertThat(own.awaitRecords(1).getFirst().status()).isEqualTo(Status.CANCELLED);
      assertThat(own.provider().requests()).hasSize(1);
    }
  }

  @Wire("10.last")
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whenAllTargetsFailTheClientGetsTheLastError(boolean stream) throws Exception {
    HttpResponse<String> answer = gateway.chat(key, "all-down", stream, "Hello there");

    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(header(answer, "retry-after")).isEqualTo("7");
    assertThat(header(answer, "x-llmproxy-tried"))
        .isEqualTo(
            "groq/scripted-down 503 upstream_error, cerebras/scripted-busy 429 rate_limit_exceeded");
    UsageRecord record = record(answer);
    assertThat(record.status()).isEqualTo(Status.ERROR);
    assertThat(record.model()).isEqualTo("cerebras/scripted-busy");
    assertThat(attempts(record)).hasSize(2).noneMatch(Attempt::answered);
  }

  @Wire("6.failover")
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void clientsAreToldNotToRetryAfterSeveralAttempts(boolean stream) {
    HttpResponse<String> several = gateway.chat(key, "both-down", stream, "Hello there");
    HttpResponse<String> single = gateway.chat(key, "groq/scripted-down", stream, "Hello there");

    assertThat(List.of(several, single)).extracting(HttpResponse::statusCode).containsOnly(502);
    assertThat(header(several, "x-should-retry")).isEqualTo("false");
    assertThat(header(single, "x-should-retry")).isEmpty();
  }

  @Wire("10.last")
  @Test
  void wrongRequestIsNotSentToTheNextTarget() {
    HttpResponse<String> answer = gateway.chat(key, "picky", true, "Hello there");

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(header(answer, "x-llmproxy-provider")).isEqualTo("groq");
  }

  @ParameterizedTest
  @CsvSource({"short, true", "short, false", "prude, true", "filter, true", "filter, false"})
  void requestThatOneModelDoesNotTakeGoesToTheOneForThatCase(String alias, boolean stream) {
    HttpResponse<String> answer = gateway.chat(key, alias, stream, "Hello there");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "x-llmproxy-model")).isEqualTo(SECOND);
    assertThat(answer.body()).contains("Hello");
  }

  @Wire("10.next")
  @Test
  void embeddingsComeFromTheNextTargetToo() {
    HttpResponse<String> answer =
        gateway.post("/v1/embeddings", key, "{\"model\":\"embed\",\"input\":\"Hello\"}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "x-llmproxy-tried")).startsWith("groq/scripted-down 503");
    assertThat(record(answer).model()).isEqualTo(SECOND);
  }

  @ParameterizedTest
  @CsvSource({"locked, scripted-locked, key-1, key-2", "unpaid, scripted-unpaid, key-3, key-4"})
  void refusedKeyIsFollowedByTheProvidersNextKeyAndThenByTheNextTarget(
      String alias, String model, String firstKey, String secondKey) {
    HttpResponse<String> answer = gateway.chat(key, alias, false, "Hello there");

    assertThat(header(answer, "x-llmproxy-model")).isEqualTo(SECOND);
    assertThat(header(answer, "x-llmproxy-attempts")).isEqualTo("3");
    assertThat(
            FIRST_PROVIDER.requests().stream()
                .filter(request -> request.body().path("model").asText().equals(model))
                .map(request -> request.headers().get("authorization")))
        .containsExactly("Bearer " + firstKey, "Bearer " + secondKey);
  }

  @Test
  void answerAtTheFirstAttemptHasNoAttemptsInTheLedger() throws Exception {
    HttpResponse<String> answer = gateway.chat(key, "weighted", false, "Hello there");

    assertThat(header(answer, "x-llmproxy-provider")).isEqualTo("groq");
    assertThat(header(answer, "x-llmproxy-attempts")).isEqualTo("1");
    assertThat(answer.headers().firstValue("x-llmproxy-tried")).isEmpty();
    assertThat(attempts(record(answer))).isEmpty();
  }

  @Test
  void turnsOfAChatThatDifferentTargetsAnswerCostThePriceOfEach() throws Exception {
    ScriptedProvider dying = ScriptedProvider.start();
    List<String> seen = new ArrayList<>();
    dying.onRequest(request -> {
      seen.add(request.path());
      if (seen.size() == 2) {
        dying.close();
      }
    });
    Path folder = folder();
    Map<String, String> settings =
        Map.of(
            "GROQ_BASE_URL",
            dying.baseUrl(),
            "GROQ_API_KEY",
            "a",
            "MODEL_ALIASES",
            "priced -> groq/llama-3.1-8b-instant | openai/gpt-4o-mini");
    try (Gateway own = Gateway.start(folder, settings)) {
      String ownKey = own.createKey("turns@example.com");
      ObjectNode body = Json.object().put("model", "priced");
      body.putArray("tools").addObject().put("type", "calculator");
      body.putArray("messages")
          .addObject()
          .put("role", "user")
          .put("content", "[[script calls='calculator {\"expression\": \"1+1\"}']]");

      HttpResponse<String> answer = own.post(ownKey, Json.text(body));

      assertThat(answer.statusCode()).isEqualTo(200);
      UsageRecord record =
          own.awaitRecord(each -> each.requestId().equals(header(answer, "x-request-id")));
      assertThat(record.model()).isEqualTo("openai/gpt-4o-mini");
      assertThat(record.turns()).isEqualTo(2);
      List<Attempt> attempts =
          own.application()
              .ledger()
              .read(connection -> AttemptTable.of(connection, record.requestId()));
      assertThat(attempts)
          .extracting(Attempt::turn, Attempt::model, Attempt::outcome)
          .containsExactly(
              tuple(1, "groq/llama-3.1-8b-instant", "answered"),
              tuple(2, "groq/llama-3.1-8b-instant", "upstream_error"),
              tuple(2, "openai/gpt-4o-mini", "answered"));
      assertThat(record.cost())
          .isEqualByComparingTo(attempts.get(0).cost().add(attempts.get(2).cost()));
    } finally {
      dying.close();
    }
  }

  private static Path folder() {
    try {
      return Files.createTempDirectory(temporary, "data");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Attempt> attempts(UsageRecord record) {
    return gateway
        .application()
        .ledger()
        .read(connection -> AttemptTable.of(connection, record.requestId()));
  }

  private static UsageRecord record(HttpResponse<String> answer) {
    String id = header(answer, "x-request-id");
    return gateway.awaitRecord(record -> record.requestId().equals(id));
  }

  private static String header(HttpResponse<String> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }
}
