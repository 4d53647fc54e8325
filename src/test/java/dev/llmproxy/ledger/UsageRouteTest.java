package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Gateway;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The path of a request through the ledger to the user's sheet and the key's counters. */
class UsageRouteTest {
  /** The ledger's location: the same database throughout a test. */
  Map<String, String> settings() {
    return Map.of();
  }

  @Test
  void streamedRequestOfANewKeyAppearsInTheWorkbook(@TempDir Path data) {
    try (Gateway gateway = Gateway.start(data, settings())) {
      String key = gateway.createKey("test@example.com");
      Instant began = Instant.now();

      HttpResponse<String> response =
          gateway.chat(key, "openai/gpt-4o-mini", true, "one two three [[script chunks=5]]");
      List<List<Object>> sheet = awaitRows(gateway, "test_at_example_dot_com", 1);

      assertThat(sheet.get(0))
          .containsExactly(
              "Timestamp",
              "Email",
              "Type",
              "Model",
              "Provider",
              "Tokens In",
              "Tokens Out",
              "Cost",
              "Duration",
              "Status",
              "Request ID",
              "Requests");
      List<Object> row = sheet.get(1);
      assertThat(Instant.parse((String) row.get(0)))
          .isBetween(began.truncatedTo(ChronoUnit.SECONDS), Instant.now());
      assertThat(row.subList(1, 5))
          .containsExactly("test@example.com", "chat", "openai/gpt-4o-mini", "rest-api");
      assertThat(number(row.get(6))).isEqualTo(5);
      assertThat(number(row.get(7))).isPositive();
      assertThat(number(row.get(8))).isNotNegative();
      assertThat(row.get(9)).isEqualTo("SUCCESS");
      assertThat(row.get(10))
          .isEqualTo(response.headers().firstValue("x-request-id").orElseThrow())
          .isEqualTo(gateway.awaitRecords(1).get(0).requestId());

      List<Object> counters = awaitRequests(gateway, 1);
      assertThat(counters.get(5)).isEqualTo(row.get(0));
      assertThat(number(counters.get(6))).isEqualTo(1);
      assertThat(number(counters.get(7))).isEqualTo(number(row.get(5)) + number(row.get(6)));
      assertThat((String) counters.get(0)).doesNotContain(key).contains("sha256:");
    }
  }

  @Test
  void unwrittenRecordsAreWrittenAfterTheNextStart(@TempDir Path data, @TempDir Path workbookFolder)
      throws IOException {
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl())) {
      String key;
      try (Gateway gateway = Gateway.start(data, with("SHEETS_ROOT_URL", faulty.rootUrl()))) {
        key = gateway.createKey("later@example.com");
        faulty.refuse(503);
        gateway.chat(key, "openai/scripted", true, "one");
        gateway.chat(key, "openai/scripted", false, "two");
        gateway.awaitRecords(2);
      }

      try (Gateway gateway = Gateway.start(data, with("SHEETS_ROOT_URL", workbook.rootUrl()))) {
        assertThat(awaitRows(gateway, "later_at_example_dot_com", 2)).hasSize(3);
        gateway.chat(key, "openai/scripted", true, "three");
        assertThat(awaitRows(gateway, "later_at_example_dot_com", 3)).hasSize(4);
        assertThat(awaitRequests(gateway, 3)).isNotNull();
      }
    }
  }

  @Test
  void textOfUsersNeverBecomesAFormula(@TempDir Path data) {
    try (Gateway gateway = Gateway.start(data, settings())) {
      String key = gateway.createKey("formula@example.com");

      gateway.post(
          key,
          Json.text(
              Json.object()
                  .put("model", "openai/=HYPERLINK(\"http://evil\")")
                  .set(
                      "messages",
                      Json.array().add(Json.object().put("role", "user").put("content", "hi")))));

      assertThat(awaitRows(gateway, "formula_at_example_dot_com", 1).get(1).get(3))
          .isEqualTo("openai/=HYPERLINK(\"http://evil\")");
    }
  }

  private Map<String, String> with(String name, String value) {
    Map<String, String> settings = new HashMap<>(settings());
    settings.put(name, value);
    return settings;
  }

  private static List<List<Object>> awaitRows(Gateway gateway, String title, int rows) {
    return Awaitility.await().until(() -> gateway.sheet(title), sheet -> sheet.size() > rows);
  }

  /** The first key's row, once it has this number of requests. */
  private static List<Object> awaitRequests(Gateway gateway, int requests) {
    return Awaitility.await()
        .until(
            () -> gateway.sheet(ApiKeySheet.TITLE).get(1), row -> number(row.get(6)) == requests);
  }

  private static double number(Object cell) {
    return ((Number) cell).doubleValue();
  }
}
