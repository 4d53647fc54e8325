package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.call.Status;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.ledger.Admission;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Usage, billing, overview and requests of the admin API, as an administrator and as a user. */
class AdminUsageRouteTest {
  private static final String MARKUP = "=HYPERLINK(\"http://x\")<script>alert(1)</script>";
  private static final String MODEL = "openai/gpt-4o-mini";

  private Gateway gateway;
  private AdminBrowser admin;
  private AdminBrowser ann;
  private String annKey;

  /** The ledger's location. */
  Map<String, String> settings() {
    return Map.of();
  }

  @BeforeEach
  void twoPeopleUseTheServer(@TempDir Path data) {
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.putAll(settings());
    gateway = Gateway.start(data, settings);
    annKey = gateway.createKey("ann@example.com");
    String bobKey = gateway.createKey("bob@example.com");
    gateway.chat(annKey, MODEL, false, "one");
    gateway.chat(annKey, MODEL, true, "two");
    gateway.chat(bobKey, MODEL, false, "three");
    gateway.awaitRecords(3);
    admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    ann = AdminBrowser.signedIn(gateway, "ann@example.com");
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @Test
  void administratorSeesTheUsageOfAll() {
    JsonNode usage = json(admin.get("/admin/api/usage?by=user&sort=requests"));

    assertThat(usage.path("count").asInt()).isEqualTo(2);
    assertThat(usage.path("rows").path(0).path("name").asText()).isEqualTo("ann@example.com");
    assertThat(usage.path("rows").path(0).path("requests").asInt()).isEqualTo(2);
    assertThat(usage.path("total").path("requests").asInt()).isEqualTo(3);
    assertThat(new BigDecimal(usage.path("total").path("cost").asText()))
        .isEqualByComparingTo(
            gateway.awaitRecords(3).stream()
                .map(record -> record.cost())
                .reduce(BigDecimal.ZERO, BigDecimal::add));

    String today = LocalDate.now(ZoneOffset.UTC).toString();
    JsonNode days = json(admin.get("/admin/api/usage?email=bob@example.com&model=" + MODEL));
    assertThat(days.path("rows")).hasSize(1);
    assertThat(days.path("rows").path(0).path("requests").asInt()).isEqualTo(1);
    assertThat(days.path("to").asText()).isGreaterThanOrEqualTo(today);
    JsonNode keys = json(admin.get("/admin/api/usage?by=key&key=" + ApiKey.hash(annKey)));
    assertThat(keys.path("rows")).hasSize(1);
    assertThat(keys.path("rows").path(0).path("key_name").asText()).isEqualTo("Test");
  }

  @Test
  void userSeesTheOwnUsageAlone() {
    for (String path :
        List.of(
            "/admin/api/usage?by=user",
            "/admin/api/usage?by=key",
            "/admin/api/usage?by=model",
            "/admin/api/billing",
            "/admin/api/billing?by=key")) {
      JsonNode answer = json(ann.get(path));
      assertThat(answer.path("total").path("requests").asInt()).as(path).isEqualTo(2);
      assertThat(answer.path("rows")).as(path).hasSize(1);
      assertThat(answer.toString()).as(path).doesNotContain("bob@example.com");
    }
    JsonNode overview = json(ann.get("/admin/api/overview"));
    assertThat(requests(overview.path("hours"))).isEqualTo(2);
    assertThat(overview.path("attention")).isEmpty();
    assertThat(json(ann.get("/admin/api/requests")).path("requests"))
        .hasSize(2)
        .allSatisfy(
            request -> assertThat(request.path("email").asText()).isEqualTo("ann@example.com"));
  }

  @Test
  void usageOfAnotherPersonIsRefused() {
    for (String path :
        List.of(
            "/admin/api/usage?email=bob@example.com",
            "/admin/api/usage?format=csv&email=bob@example.com",
            "/admin/api/requests?email=bob@example.com")) {
      assertThat(ann.get(path).statusCode()).as(path).isEqualTo(403);
    }
    String bobs =
        gateway.awaitRecord(record -> record.email().equals("bob@example.com")).requestId();
    assertThat(ann.get("/admin/api/requests/" + bobs).statusCode()).isEqualTo(404);
    assertThat(admin.get("/admin/api/requests/" + bobs).statusCode()).isEqualTo(200);
    String bobsKey =
        gateway.awaitRecord(record -> record.email().equals("bob@example.com")).keyHash();
    assertThat(
            json(ann.get("/admin/api/usage?key=" + bobsKey)).path("total").path("requests").asInt())
        .isZero();
    assertThat(json(ann.get("/admin/api/requests?key=" + bobsKey)).path("requests")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/admin/api/usage",
        "/admin/api/usage?format=csv",
        "/admin/api/billing",
        "/admin/api/overview",
        "/admin/api/requests",
        "/admin/api/requests/x"
      })
  void nobodySeesUsageWithoutASession(String path) {
    assertThat(gateway.get(path, annKey).statusCode()).isEqualTo(401);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/admin/api/usage?by=nothing",
        "/admin/api/usage?from=2026-13-01",
        "/admin/api/usage?from=2026-03-02&to=2026-03-01",
        "/admin/api/usage?sort=nothing",
        "/admin/api/usage?limit=0",
        "/admin/api/usage?status=GOOD",
        "/admin/api/billing?month=March"
      })
  void wrongParameterIsRefused(String path) {
    assertThat(admin.get(path).statusCode()).isEqualTo(400);
  }

  @Test
  void markupOfModelsAndAddressesStaysTextInJsonAndCsv() throws IOException {
    settle("odd", MARKUP + "@example.com", MARKUP, null, Instant.now());

    HttpResponse<String> usage = admin.get("/admin/api/usage?by=model");
    assertThat(usage.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(json(usage).path("rows").findValuesAsText("name")).contains(MARKUP);
    assertThat(
            json(admin.get("/admin/api/usage?by=model&model=" + encoded(MARKUP)))
                .path("count")
                .asInt())
        .isEqualTo(1);

    for (String by : List.of("model", "user", "key")) {
      HttpResponse<String> csv = admin.get("/admin/api/usage?format=csv&by=" + by);
      assertThat(csv.headers().firstValue("Content-Type")).hasValue("text/csv; charset=utf-8");
      assertThat(csv.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
      assertThat(csv.headers().firstValue("Cache-Control")).hasValue("no-store");
      assertThat(csv.headers().firstValue("Content-Disposition").orElseThrow())
          .startsWith("attachment");
      List<CSVRecord> rows =
          CSVFormat.RFC4180
              .builder()
              .setHeader()
              .get()
              .parse(new StringReader(csv.body()))
              .getRecords();
      assertThat(rows).hasSize(by.equals("model") ? 2 : 3);
      assertThat(rows.stream().map(row -> row.get(by)))
          .anyMatch(name -> name.startsWith("'" + MARKUP))
          .noneMatch(name -> name.startsWith("="));
      assertThat(rows.stream().mapToLong(row -> Long.parseLong(row.get("requests"))).sum())
          .isEqualTo(4);
    }
  }

  @Test
  void billingNamesModelsWithoutAPriceAndForecastsTheMonth() {
    settle("unpriced", "ann@example.com", "openai/unknown", null, Instant.now());
    YearMonth month = YearMonth.now(ZoneOffset.UTC);
    Instant before = month.minusMonths(1).atDay(5).atStartOfDay(ZoneOffset.UTC).toInstant();
    settle("before", "ann@example.com", MODEL, new BigDecimal("12.50"), before);

    JsonNode billing = json(ann.get("/admin/api/billing"));
    assertThat(billing.path("month").asText()).isEqualTo(month.toString());
    assertThat(billing.path("unpriced_models"))
        .singleElement()
        .satisfies(model -> assertThat(model.path("model").asText()).isEqualTo("openai/unknown"));
    assertThat(billing.path("total").path("unpriced_requests").asInt()).isEqualTo(1);
    assertThat(new BigDecimal(billing.path("total").path("forecast").asText())).isNotNegative();

    JsonNode last = json(ann.get("/admin/api/billing?month=" + month.minusMonths(1)));
    assertThat(last.path("current").asBoolean()).isFalse();
    assertThat(last.path("total").path("cost").asText()).isEqualTo("12.5");
    assertThat(last.path("total").has("forecast")).isFalse();
  }

  @Test
  void billingOfTheMonthHasTheBudgetsOfKeysAndUsers() {
    gateway.setTiers(List.of("small", "", "", "", "", 2.5), List.of("large", "", "", "", "", 10));
    for (String tier : List.of("small", "large")) {
      gateway.chat(gateway.createKey("cy@example.com", tier), MODEL, false, "one");
    }
    gateway.awaitRecords(5);

    assertThat(billed("by=key")).contains("cy@example.com 2.5", "cy@example.com 10");
    assertThat(billed("by=user")).contains("cy@example.com 12.5", "bob@example.com -");
    assertThat(billed("by=user&month=" + YearMonth.now(ZoneOffset.UTC).minusMonths(1))).isEmpty();

    gateway.chat(gateway.createKey("cy@example.com"), MODEL, false, "one");
    gateway.awaitRecords(6);
    assertThat(billed("by=user")).contains("cy@example.com -");
  }

  /** The name and the budget of each row of Billing. */
  private List<String> billed(String query) {
    return json(admin.get("/admin/api/billing?" + query))
        .path("rows")
        .valueStream()
        .map(row -> row.path("name").asText() + " " + row.path("budget").asText("-"))
        .toList();
  }

  @Test
  void overviewShowsTheLastHoursAndWhatNeedsAttention() {
    JsonNode overview = json(admin.get("/admin/api/overview"));

    assertThat(overview.path("hours")).hasSize(24);
    assertThat(requests(overview.path("hours"))).isEqualTo(3);
    assertThat(overview.path("attention")).isEmpty();

    gateway
        .application()
        .ledger()
        .write(connection ->
            connection
                .createStatement()
                .executeUpdate(
                    "insert into dead_letter (request_id, sequence, error, parked_at) values ('x', 1, 'no', 1)"));
    assertThat(json(admin.get("/admin/api/overview")).path("attention").findValuesAsText("about"))
        .containsExactly("dead_letters");
  }

  @Test
  void overviewNamesKeysNearTheirBudgetAndProblemsOfTheTiers() {
    gateway.setTiers(List.of("poor", "", "", "", "", 0.000112), List.of("odd", "many"));
    String key = gateway.createKey("poor@example.com", "poor");
    String chat =
        "{\"model\":\"openai/gpt-4o-mini\",\"max_tokens\":150,\"messages\":[{\"role\":\"user\",\"content\":\"[[script chunks=150]]\"}]}";
    assertThat(gateway.post(key, chat).statusCode()).isEqualTo(200);

    Awaitility.await()
        .untilAsserted(() ->
            assertThat(json(admin.get("/admin/api/overview")).path("attention").toString())
                .contains("poor@example.com, key \\\"Test\\\": $0.00 of the budget of $0.000112")
                .contains("Sheet of tiers, row 4 has a Requests/min that cannot be read"));
    assertThat(json(ann.get("/admin/api/overview")).path("attention")).isEmpty();
  }

  @Test
  void requestsAreListedInPagesAndShownWithTheirAttempts() {
    List<String> ids = new ArrayList<>();
    String before = "";
    do {
      JsonNode page = json(admin.get("/admin/api/requests?limit=2" + before));
      ids.addAll(page.path("requests").findValuesAsText("id"));
      before = page.has("before") ? "&before=" + page.path("before").asText() : null;
    } while (before != null);
    assertThat(ids)
        .isEqualTo(
            gateway.awaitRecords(3).reversed().stream().map(record -> record.requestId()).toList());

    JsonNode request = json(admin.get("/admin/api/requests/" + ids.getFirst()));
    assertThat(request.path("model").asText()).isEqualTo(MODEL);
    assertThat(request.path("status").asText()).isEqualTo("SUCCESS");
    assertThat(request.path("attempts").isArray()).isTrue();
    assertThat(admin.get("/admin/api/requests/nothing").statusCode()).isEqualTo(404);
  }

  @Test
  void usageStaysTheSameOnceItIsSummed() {
    JsonNode before = json(admin.get("/admin/api/usage?by=model"));

    Awaitility.await()
        .until(() ->
            gateway
                    .application()
                    .ledger()
                    .<Long>read(connection -> {
                      try (var row =
                          connection
                              .createStatement()
                              .executeQuery("select sequence from usage_rollup")) {
                        row.next();
                        return row.getLong(1);
                      }
                    })
                == gateway.application().ledger().lastSequence());
    assertThat(json(admin.get("/admin/api/usage?by=model"))).isEqualTo(before);
  }

  private void settle(String id, String email, String model, BigDecimal cost, Instant admitted) {
    gateway
        .application()
        .ledger()
        .admit(
            new Admission(
                id, admitted, new Caller(email, "Key", "00ff", "free"), "chat", model, "rest-api"));
    gateway
        .application()
        .ledger()
        .settle(new Settlement(id, Status.SUCCESS, 7, 9, 1, 0, cost, Duration.ofMillis(300)));
  }

  private static int requests(JsonNode hours) {
    int requests = 0;
    for (JsonNode hour : hours) {
      requests += hour.path("requests").asInt();
    }
    return requests;
  }

  private static JsonNode json(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
