package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.model.ValueRange;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.workbook.ApiKeySheet;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rate limits as clients see them: docs/wire-contract.md §6. */
class LimitRouteTest {
  private static final String MODEL = "openai/gpt-4o-mini";
  private static final String LIMIT = "x-ratelimit-limit-requests";
  private static final String REMAINING = "x-ratelimit-remaining-requests";
  private static final String RESET = "x-ratelimit-reset-requests";
  private static final int MOST_WRONG_KEYS = 5;

  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway =
        Gateway.start(
            data,
            Map.of(
                "RATE_LIMIT_TINY", "3",
                "RATE_LIMIT_FIFTY", "50",
                "RATE_LIMIT_ONE", "1",
                "RATE_LIMIT_STAFF", "unlimited"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire("6.ratelimit")
  @Test
  void unlimitedTierIsNotLimitedAndHasNoLimitHeaders() {
    String key = gateway.createKey("staff@example.com", "staff");

    HttpResponse<String> answer = gateway.chat(key, MODEL, false, "hi");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, LIMIT)).isNull();
    assertThat(header(answer, REMAINING)).isNull();
    assertThat(header(answer, RESET)).isNull();
  }

  @Wire({"6.429", "6.ratelimit", "6.retry"})
  @Test
  void answersHaveTheRestOfTheLimitAndRefusalsTheTimeToWait() {
    String key = gateway.createKey("tiny@example.com", "tiny");

    HttpResponse<String> whole = gateway.chat(key, MODEL, false, "hi");
    HttpResponse<String> stream = gateway.chat(key, MODEL, true, "hi");
    HttpResponse<String> invalid = gateway.post(key, "{");
    int callsOfTheProvider = gateway.provider().requests().size();
    HttpResponse<String> refused = gateway.chat(key, MODEL, true, "hi");

    assertThat(List.of(whole, stream, invalid, refused))
        .extracting(HttpResponse::statusCode)
        .containsExactly(200, 200, 400, 429);
    assertThat(List.of(whole, stream, invalid, refused))
        .extracting(each -> header(each, REMAINING))
        .containsExactly("2", "1", "0", "0");
    assertThat(List.of(whole, stream, invalid, refused))
        .allSatisfy(each -> {
          assertThat(header(each, LIMIT)).isEqualTo("3");
          assertThat(header(each, RESET)).matches("1m0s|[1-5]?[0-9](\\.[0-9]{1,3})?s");
          assertThat(header(each, "x-request-id")).startsWith("req_");
        });
    assertThat(header(stream, "content-type")).startsWith("text/event-stream");
    assertThat(header(whole, "retry-after")).isNull();

    assertThat(header(refused, "content-type")).isEqualTo("application/json");
    assertThat(Gateway.json(refused).at("/error/type").asText()).isEqualTo("requests");
    assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("rate_limit_exceeded");
    int milliseconds = Integer.parseInt(header(refused, "retry-after-ms"));
    assertThat(milliseconds).isBetween(1, 60_000);
    assertThat(header(refused, "retry-after"))
        .isEqualTo(Integer.toString((milliseconds + 999) / 1000));
    assertThat(gateway.provider().requests()).hasSize(callsOfTheProvider);
  }

  @Test
  void theListOfModelsIsNotLimited() {
    String key = gateway.createKey("one@example.com", "one");
    gateway.chat(key, MODEL, false, "hi");
    assertThat(gateway.chat(key, MODEL, false, "hi").statusCode()).isEqualTo(429);

    HttpResponse<String> models = gateway.get("/v1/models", key);
    HttpResponse<String> model = gateway.get("/v1/models/" + MODEL, key);
    assertThat(List.of(models, model))
        .allSatisfy(each -> {
          assertThat(each.statusCode()).isEqualTo(200);
          assertThat(header(each, LIMIT)).isNull();
        });
  }

  @Test
  void theLimitIsExactWithParallelRequests() {
    String key = gateway.createKey("fifty@example.com", "fifty");
    HttpRequest chat =
        gateway
            .request("/v1/chat/completions", key)
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\""
                        + MODEL
                        + "\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"))
            .build();
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    List<CompletableFuture<HttpResponse<String>>> answers =
        IntStream.range(0, 200)
            .mapToObj(i -> client.sendAsync(chat, HttpResponse.BodyHandlers.ofString()))
            .toList();

    assertThat(answers)
        .extracting(each -> each.join().statusCode())
        .containsOnly(200, 429)
        .filteredOn(status -> status == 200)
        .hasSize(50);
  }

  @Test
  void tiersChangedInTheSheetApply() throws IOException {
    String key = gateway.createKey("changed@example.com", "one");
    gateway.chat(key, MODEL, false, "hi");
    assertThat(gateway.chat(key, MODEL, false, "hi").statusCode()).isEqualTo(429);

    setTier("changed@example.com", "Tiny");
    Awaitility.await()
        .until(() ->
            gateway
                .application()
                .keyDirectory()
                .find(ApiKey.hash(key))
                .filter(record -> record.caller().tier().equals("tiny"))
                .isPresent());

    HttpResponse<String> answer = gateway.chat(key, MODEL, false, "hi");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, LIMIT)).isEqualTo("3");
    assertThat(header(answer, REMAINING)).isEqualTo("1");
  }

  @Test
  void wrongKeysAreLimitedAndValidKeysOfTheSameAddressWork(@TempDir Path data) {
    Map<String, String> settings =
        Map.of("AUTH_FAILURES_PER_MINUTE", Integer.toString(MOST_WRONG_KEYS));
    try (Gateway guarded = Gateway.start(data, settings)) {
      String key = guarded.createKey("right@example.com");
      for (int i = 0; i < MOST_WRONG_KEYS; i++) {
        assertThat(guarded.get("/v1/models", "sk-wrong-" + i).statusCode()).isEqualTo(401);
      }

      HttpResponse<String> refused = guarded.chat("sk-wrong", MODEL, false, "hi");
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("rate_limit_exceeded");
      assertThat(Integer.parseInt(header(refused, "retry-after"))).isBetween(1, 60);
      assertThat(refused.body()).doesNotContain("sk-wrong");
      assertThat(header(refused, LIMIT)).isNull();

      assertThat(guarded.get("/v1/models", key).statusCode()).isEqualTo(200);
      assertThat(guarded.get("/v1/models", null).statusCode()).isEqualTo(401);
      assertThat(guarded.get("/v1/models", "sk-wrong").statusCode()).isEqualTo(429);
    }
  }

  @Test
  void wrongKeysOverTheLimitCauseNoReading(@TempDir Path data) throws IOException {
    Map<String, String> settings =
        Map.of("AUTH_FAILURES_PER_MINUTE", "1", "KEYS_REFRESH_SECONDS", "3600");
    try (Gateway guarded = Gateway.start(data, settings)) {
      assertThat(guarded.get("/v1/models", "sk-wrong").statusCode()).isEqualTo(401);

      String fresh = "sk-made-a-moment-ago";
      new ApiKeyBook(guarded.application().workbook())
          .add(fresh, "new@example.com", "New", "free", "2026-01-01T00:00:00Z");

      // Longer than the pause between two readings that unknown keys can cause.
      Awaitility.await()
          .during(Duration.ofSeconds(3))
          .until(() -> guarded.get("/v1/models", fresh).statusCode() == 429);
    }
  }

  /** docs/wire-contract.md §6: without the header every SDK retries twice. */
  @Wire("6.429quota")
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void usedUpProviderBudgetsForbidRetries(boolean stream) {
    String key = gateway.createKey("quota-" + stream + "@example.com");

    HttpResponse<String> answer =
        gateway.chat(key, MODEL, stream, "[[script status=429 code=insufficient_quota]]");

    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(Gateway.json(answer).at("/error/code").asText()).isEqualTo("insufficient_quota");
    assertThat(header(answer, "x-should-retry")).isEqualTo("false");
    assertThat(header(answer, "retry-after")).isNull();
    assertThat(header(answer, REMAINING)).isNotNull();
  }

  @Wire({"6.kept429", "6.retry"})
  @Test
  void providerRateLimitsAllowRetries() {
    String key = gateway.createKey("busy@example.com");

    HttpResponse<String> answer =
        gateway.chat(key, MODEL, false, "[[script status=429 retry_after=7]]");

    assertThat(header(answer, "retry-after")).isEqualTo("7");
    assertThat(header(answer, "retry-after-ms")).isEqualTo("7000");
    assertThat(header(answer, "x-should-retry")).isNull();
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse(null);
  }

  private static void setTier(String email, String tier) throws IOException {
    List<List<Object>> rows = gateway.sheet(ApiKeySheet.TITLE);
    int row =
        1
            + IntStream.range(0, rows.size())
                .filter(i -> rows.get(i).contains(email))
                .findFirst()
                .orElseThrow();
    gateway
        .application()
        .workbook()
        .client()
        .spreadsheets()
        .values()
        .update(
            gateway.application().workbook().spreadsheetId(),
            ApiKeySheet.TITLE + "!D" + row,
            new ValueRange().setValues(List.of(List.of(tier))))
        .setValueInputOption("RAW")
        .execute();
  }
}
