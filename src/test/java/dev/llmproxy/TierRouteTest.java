package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.services.sheets.v4.model.ValueRange;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.TierSheet;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The limits of the sheets {@code Tiers} and {@code User API Keys} as clients see them. */
class TierRouteTest {
  /** Costs $0.15 for a million prompt tokens and $0.60 for a million completion tokens. */
  private static final String PRICED = "openai/gpt-4o-mini";

  private static final String UNPRICED = "openai/gpt-unheard-of";

  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data, Map.of("RATE_LIMIT_FREE", "1000"));
    gateway.setTiers(
        List.of("tokens", "", 1000),
        List.of("daily", "unlimited", "", 2),
        List.of("one", "", "", "", 1),
        List.of("poor", "", "", "", "", 0.0005),
        List.of("few", "", "", "", "", "", "openai/gpt-4o*"),
        List.of("toolless", "", "", "", "", "", "", "calculator"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void aNewSheetHasTheTierFreeWithTheLimitOfTheSettings() {
    assertThat(gateway.sheet(TierSheet.TITLE).getFirst())
        .containsExactlyElementsOf(TierSheet.HEADERS);
    assertThat(gateway.sheet(TierSheet.TITLE).get(1).stream().map(Object::toString))
        .containsExactly(
            "free",
            "1000",
            "unlimited",
            "unlimited",
            "unlimited",
            "unlimited",
            "unlimited",
            "unlimited");
  }

  @Wire({"6.tokens", "6.429"})
  @Test
  void answersHaveTheRestOfTheTokensAndARefusalTheTimeToWait() {
    String key = gateway.createKey("tokens@example.com", "tokens");

    HttpResponse<String> first = chat(key, PRICED, 400, false);
    HttpResponse<String> stream = chat(key, PRICED, 400, true);
    HttpResponse<String> refused = chat(key, PRICED, 4000, true);

    assertThat(List.of(first, stream, refused))
        .extracting(HttpResponse::statusCode)
        .containsExactly(200, 200, 429);
    assertThat(List.of(first, stream, refused))
        .allSatisfy(each -> {
          assertThat(header(each, "x-ratelimit-limit-tokens")).isEqualTo("1000");
          assertThat(Long.parseLong(header(each, "x-ratelimit-remaining-tokens")))
              .isBetween(0L, 999L);
          assertThat(header(each, "x-ratelimit-reset-tokens"))
              .matches("1m0s|[1-5]?[0-9](\\.[0-9]{1,3})?s");
          assertThat(header(each, "x-ratelimit-limit-requests")).isEqualTo("1000");
        });
    // The first request has given back what it had not used before the second one began.
    assertThat(Long.parseLong(header(stream, "x-ratelimit-remaining-tokens"))).isGreaterThan(500);
    JsonNode error = Gateway.json(refused).path("error");
    assertThat(error.path("type").asText()).isEqualTo("tokens");
    assertThat(error.path("code").asText()).isEqualTo("rate_limit_exceeded");
    assertThat(Integer.parseInt(header(refused, "retry-after"))).isBetween(1, 60);
  }

  @Test
  void theRequestsOfADayAreLimited() {
    String key = gateway.createKey("daily@example.com", "daily");
    assertThat(header(chat(key, PRICED, 5, false), "x-ratelimit-limit-requests")).isEqualTo("2");
    chat(key, PRICED, 5, false);

    HttpResponse<String> refused = chat(key, PRICED, 5, false);

    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(Integer.parseInt(header(refused, "retry-after"))).isBetween(86_000, 86_400);
    assertThat(header(refused, "x-should-retry")).isEqualTo("false");
  }

  @Test
  void aRequestAboveTheConcurrentOnesIsRefusedUntilOneEnds() throws Exception {
    String key = gateway.createKey("one@example.com", "one");
    try (RawConnection slow = gateway.connect()) {
      slow.write(
          RawConnection.request(
              "/v1/chat/completions", key, body(PRICED, "[[script silent=1]]", 5, true)));
      Awaitility.await().until(() -> gateway.application().limits().underWay() == 1);

      HttpResponse<String> refused = chat(key, PRICED, 5, false);

      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(header(refused, "retry-after")).isEqualTo("1");
      assertThat(Gateway.json(refused).at("/error/message").asText())
          .contains("1 requests at once");
    }
    Awaitility.await().until(() -> chat(key, PRICED, 5, false).statusCode() == 200);
  }

  @Wire("6.429budget")
  @Test
  void aBudgetRefusesWhatItDoesNotCover() {
    String key = gateway.createKey("poor@example.com", "poor");

    HttpResponse<String> refused = chat(key, PRICED, 6000, true);

    assertThat(refused.statusCode()).isEqualTo(429);
    JsonNode error = Gateway.json(refused).path("error");
    assertThat(error.path("type").asText()).isEqualTo("insufficient_quota");
    assertThat(error.path("code").asText()).isEqualTo("insufficient_quota");
    assertThat(error.path("message").asText()).startsWith("$0.0005 of your budget of $0.0005");
    assertThat(header(refused, "x-should-retry")).isEqualTo("false");
    assertThat(gateway.application().ledger().after(0, 10_000))
        .noneMatch(record -> record.email().equals("poor@example.com"));
  }

  @Wire("6.403price")
  @Test
  void aModelOfUnknownPriceCannotBeUsedWithABudget() {
    String key = gateway.createKey("unpriced@example.com", "poor");
    HttpResponse<String> refused = chat(key, UNPRICED, 5, false);
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("price_unknown");
  }

  @Test
  void aBudgetOfAKeyIsNeverOverspentByParallelRequests() throws Exception {
    String key = gateway.createKey("rich@example.com");
    setKeyCell("rich@example.com", ApiKeySheet.BUDGET, 0.002);
    Awaitility.await()
        .until(() ->
            gateway
                .application()
                .keyDirectory()
                .find(ApiKey.hash(key))
                .filter(record -> record.caller().ownLimits().budget() != null)
                .isPresent());
    HttpRequest request =
        gateway
            .request("/v1/chat/completions", key)
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    body(PRICED, "[[script chunks=100]]", 100, false)))
            .build();

    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      List<CompletableFuture<HttpResponse<String>>> answers =
          IntStream.range(0, 200)
              .mapToObj(i -> client.sendAsync(request, HttpResponse.BodyHandlers.ofString()))
              .toList();
      assertThat(answers).extracting(answer -> answer.join().statusCode()).contains(200, 429);
    }

    List<BigDecimal> costs =
        gateway.application().ledger().after(0, 10_000).stream()
            .filter(record -> record.email().equals("rich@example.com"))
            .map(UsageRecord::cost)
            .toList();
    assertThat(costs).hasSizeGreaterThan(10);
    assertThat(costs.stream().reduce(BigDecimal.ZERO, BigDecimal::add))
        .isLessThanOrEqualTo(new BigDecimal("0.002"));
  }

  @Test
  void theSpendingOfTheMonthCountsAfterARestart(@TempDir Path data) {
    try (Gateway own = Gateway.start(data)) {
      own.setTiers(List.of("poor", "", "", "", "", 0.0001));
      String key = own.createKey("poor@example.com", "poor");
      String chat = body(PRICED, "[[script chunks=100]]", 100, false);
      assertThat(own.post(key, chat).statusCode()).isEqualTo(200);
      own.stop();
      own.start();
      assertThat(own.post(key, chat).statusCode()).isEqualTo(429);
    }
  }

  @Test
  void modelsThatTheTierMayNotUseAreNotListedAndRefused() {
    String key = gateway.createKey("few@example.com", "few");
    JsonNode list = Gateway.json(gateway.get("/v1/models", key)).path("data");
    assertThat(StreamSupport.stream(list.spliterator(), false))
        .extracting(model -> model.path("id").asText())
        .isNotEmpty()
        .allMatch(id -> id.startsWith("openai/gpt-4o"));

    HttpResponse<String> refused = chat(key, "openai/o3", 5, false);
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("model_not_allowed");
    assertThat(chat(key, PRICED, 5, false).statusCode()).isEqualTo(200);
  }

  @Wire("6.403tool")
  @Test
  void aToolThatTheTierMayNotUseIsRefusedByItsName() {
    String key = gateway.createKey("toolless@example.com", "toolless");
    String asking =
        "{\"model\":\"openai/gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":\"%s\"}]}";

    HttpResponse<String> refused = gateway.post(key, asking.formatted("web_search"));

    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("tool_not_allowed");
    assertThat(gateway.post(key, asking.formatted("calculator")).statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"3", "unlimited"})
  void aChangeOfTheSheetAppliesToLiveKeys(String limit) {
    String tier = "changing-" + limit;
    gateway.setTiers(List.of(tier, 1));
    String key = gateway.createKey(tier + "@example.com", tier);
    chat(key, PRICED, 5, false);
    assertThat(chat(key, PRICED, 5, false).statusCode()).isEqualTo(429);

    gateway.setTiers(List.of(tier, limit));

    assertThat(chat(key, PRICED, 5, false).statusCode()).isEqualTo(200);
  }

  private static HttpResponse<String> chat(String key, String model, int most, boolean stream) {
    return gateway.post(key, body(model, "hi", most, stream));
  }

  private static String body(String model, String message, int most, boolean stream) {
    return "{\"model\":\"%s\",\"stream\":%s,\"max_tokens\":%d,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
        .formatted(model, stream, most, message);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse(null);
  }

  private static void setKeyCell(String email, String header, Object value) throws IOException {
    List<List<Object>> rows = gateway.sheet(ApiKeySheet.TITLE);
    int row =
        1
            + IntStream.range(0, rows.size())
                .filter(i -> rows.get(i).contains(email))
                .findFirst()
                .orElseThrow();
    char column = (char) ('A' + rows.getFirst().indexOf(header));
    gateway
        .application()
        .workbook()
        .client()
        .spreadsheets()
        .values()
        .update(
            gateway.application().workbook().spreadsheetId(),
            "'%s'!%s%d".formatted(ApiKeySheet.TITLE, column, row),
            new ValueRange().setValues(List.of(List.of(value))))
        .setValueInputOption("RAW")
        .execute();
  }
}
