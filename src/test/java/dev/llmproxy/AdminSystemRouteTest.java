package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page System: what was read and written, refused records, and the checks. */
class AdminSystemRouteTest {
  private static final String ANN = "ann@example.com";
  private static final String SYSTEM = "/admin/api/system";
  private static final String FINDINGS = "/admin/api/system/findings";
  private static final String LETTERS = "/admin/api/dead-letters";
  private static final String RETRY = "/admin/api/dead-letters/retry";

  private EmbeddedWorkbook workbook;
  private FaultyWorkbook faulty;
  private Gateway gateway;
  private String key;
  private AdminBrowser admin;
  private AdminBrowser ann;

  @BeforeEach
  void start(@TempDir Path data, @TempDir Path workbookFolder) throws IOException {
    workbook = EmbeddedWorkbook.open(workbookFolder, 0);
    faulty = FaultyWorkbook.before(workbook.rootUrl());
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.put("SHEETS_ROOT_URL", faulty.rootUrl());
    settings.put("SHEETS_COMMIT_WAIT_SECONDS", "1");
    settings.put("LOG_CONVERSATIONS", "workbook");
    gateway = Gateway.start(data, settings);
    key = gateway.createKey(ANN);
    gateway.awaitKnown(key, true);
    admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    ann = AdminBrowser.signedIn(gateway, ANN);
  }

  @AfterEach
  void stop() {
    gateway.close();
    faulty.close();
    workbook.close();
  }

  @Test
  void readAndWrittenSheetsHaveTheirTimes() {
    Instant before = Instant.now().minusSeconds(1);
    gateway.chat(key, "openai/scripted", false, "hello");
    gateway.awaitRecords(1);

    await()
        .untilAsserted(() -> {
          JsonNode sync = json(admin.get(SYSTEM)).path("sync");
          assertThat(sync.path("workbook").asText()).isEqualTo(faulty.rootUrl());
          assertThat(sync.path("kind").asText()).isEqualTo("other");
          assertThat(sync.path("writes_here").asBoolean()).isTrue();
          for (String part : List.of("keys", "usage", "conversations")) {
            assertThat(sync.path(part).path("succeeded_at").asText())
                .as(part)
                .isGreaterThan(before.toString());
            assertThat(sync.path(part).path("failure").isNull()).as(part).isTrue();
          }
          assertThat(sync.path("usage").path("waiting").asLong(-1)).isZero();
          assertThat(sync.path("usage").path("oldest_waiting_seconds").asLong(-1)).isZero();
          assertThat(sync.path("conversations").path("waiting").asLong(-1)).isZero();
        });
  }

  @Test
  void refusingWorkbookHasItsErrorsAndWhatWaits() {
    faulty.refuse(403);
    gateway.chat(key, "openai/scripted", false, "hello");
    gateway.awaitRecords(1);

    await()
        .untilAsserted(() -> {
          JsonNode sync = json(admin.get(SYSTEM)).path("sync");
          for (String part : List.of("keys", "usage", "conversations")) {
            assertThat(sync.path(part).path("failed_at").asText()).as(part).isNotEmpty();
            assertThat(sync.path(part).path("failure").asText()).as(part).isNotEmpty();
          }
          assertThat(sync.path("usage").path("problem").asText()).contains("403");
          assertThat(sync.path("usage").path("waiting").asLong()).isEqualTo(1);
          assertThat(sync.path("conversations").path("waiting").asLong()).isEqualTo(1);
        });
    await()
        .untilAsserted(() ->
            assertThat(json(admin.get(SYSTEM)).at("/sync/usage/oldest_waiting_seconds").asLong())
                .isPositive());
  }

  @Test
  void refusedRecordsAreShownAndWrittenOnceWhenTriedAgain() {
    faulty.poison("openai/poison");
    gateway.chat(key, "openai/poison", false, "one");
    gateway.chat(key, "openai/scripted", false, "two");
    gateway.chat(key, "openai/poison", false, "three");
    gateway.awaitRecords(3);
    await().until(() -> json(admin.get(LETTERS)).path("count").asInt() == 2);

    JsonNode letters = json(admin.get(LETTERS)).path("dead_letters");
    assertThat(letters).hasSize(2);
    JsonNode first = letters.path(0);
    String id = first.path("request_id").asText();
    assertThat(first.path("email").asText()).isEqualTo(ANN);
    assertThat(first.path("model").asText()).isEqualTo("openai/poison");
    assertThat(first.path("error").asText()).contains("poison");
    assertThat(first.path("retrying").asBoolean()).isFalse();
    assertThat(json(admin.get(SYSTEM)).at("/sync/usage/dead_letters").asInt()).isEqualTo(2);

    faulty.poison(null);
    HttpResponse<String> one = admin.post(RETRY, "{\"request_id\": \"%s\"}".formatted(id));
    assertThat(json(one).path("retrying").asInt()).isEqualTo(1);
    await().until(() -> json(admin.get(LETTERS)).path("dead_letters").size() == 1);
    assertThat(admin.post(RETRY, "{\"request_id\": \"%s\"}".formatted(id)).statusCode())
        .as("written already")
        .isEqualTo(404);

    assertThat(json(admin.post(RETRY, "")).path("retrying").asInt()).isEqualTo(1);
    await().until(() -> json(admin.get(LETTERS)).path("dead_letters").isEmpty());
    assertThat(json(admin.post(RETRY, "{}")).path("retrying").asInt()).isZero();
    assertThat(rows())
        .containsExactlyInAnyOrderElementsOf(
            gateway.application().ledger().after(0, 10).stream()
                .map(record -> record.requestId())
                .toList());
    assertThat(json(admin.get("/admin/api/actions")).path("actions"))
        .filteredOn(action -> action.path("action").asText().equals("dead_letters.retry"))
        .extracting(action -> action.path("subject").asText())
        .containsExactly("all", "all", id, id);
  }

  @Test
  void recordThatIsRefusedAgainStaysRefused() {
    faulty.poison("openai/poison");
    gateway.chat(key, "openai/poison", false, "one");
    gateway.awaitRecords(1);
    await().until(() -> json(admin.get(LETTERS)).path("count").asInt() == 1);
    String refused = json(admin.get(LETTERS)).at("/dead_letters/0/refused_at").asText();

    assertThat(json(admin.post(RETRY, "{}")).path("retrying").asInt()).isEqualTo(1);

    await()
        .until(() -> {
          JsonNode letters = json(admin.get(LETTERS));
          return letters.path("count").asInt() == 1
              && letters.at("/dead_letters/0/refused_at").asText().compareTo(refused) > 0;
        });
    assertThat(rows()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[]", "{\"request_id\": 5}", "{\"request_id\": \"\"}", "{\"id\": \"x\"}", "{"})
  void wrongRetriesAreRefused(String body) {
    assertThat(admin.post(RETRY, body).statusCode()).isEqualTo(400);
  }

  @Test
  void checksHaveTheirFindingsWithoutSecrets() {
    String second = gateway.createKey("bob@example.com");
    JsonNode answer = json(admin.get(FINDINGS));
    List<JsonNode> findings = answer.path("findings").valueStream().toList();

    assertThat(findings)
        .extracting(finding -> finding.path("check").asText())
        .contains("java", "settings", "data", "ledger", "workbook", "provider")
        .doesNotContain("port");
    assertThat(findings)
        .anySatisfy(finding -> {
          assertThat(finding.path("check").asText()).isEqualTo("workbook");
          assertThat(finding.path("level").asText()).isEqualTo("ok");
          assertThat(finding.path("what").asText()).contains("2 keys");
        });
    assertThat(answer.toString()).doesNotContain("provider-secret", key, second);

    faulty.refuse(403);
    assertThat(json(admin.get(FINDINGS)).path("findings").valueStream().toList())
        .anySatisfy(finding -> {
          assertThat(finding.path("check").asText()).isEqualTo("workbook");
          assertThat(finding.path("level").asText()).isEqualTo("problem");
        });
  }

  @Test
  void providersAreAskedOnRequestOnly() {
    assertThat(what(json(admin.get(FINDINGS)))).contains("openai is on");
    assertThat(what(json(admin.get(FINDINGS + "?online=on"))))
        .anySatisfy(what -> assertThat(what).startsWith("openai answers"))
        .doesNotContain("openai is on");
    assertThat(admin.get(FINDINGS + "?online=perhaps").statusCode()).isEqualTo(400);
  }

  @Test
  void usersAndStrangersAreRefused() {
    for (String path : List.of(SYSTEM, FINDINGS, LETTERS)) {
      assertThat(ann.get(path).statusCode()).as(path).isEqualTo(403);
      assertThat(gateway.get(path, null).statusCode()).as(path).isEqualTo(401);
      assertThat(gateway.get(path, key).statusCode()).as(path).isEqualTo(401);
    }
    assertThat(ann.post(RETRY, "{}").statusCode()).isEqualTo(403);
    HttpResponse<String> withoutToken =
        gateway.send(
            admin
                .request(RETRY)
                .header("Sec-Fetch-Site", "same-origin")
                .POST(java.net.http.HttpRequest.BodyPublishers.ofString("{}"))
                .build());
    assertThat(withoutToken.statusCode()).isEqualTo(403);
    assertThat(Gateway.json(withoutToken).at("/error/code").asText()).isEqualTo("wrong_csrf_token");
  }

  private static List<String> what(JsonNode answer) {
    return answer
        .path("findings")
        .valueStream()
        .map(finding -> finding.path("what").asText())
        .toList();
  }

  /** The request ids in Ann's sheet; none when she has no sheet yet. */
  private List<String> rows() {
    List<List<Object>> cells = gateway.sheet("ann_at_example_dot_com");
    return cells.isEmpty()
        ? List.of()
        : cells.stream()
            .skip(1)
            .map(row -> String.valueOf(row.get(cells.getFirst().indexOf("Request ID"))))
            .toList();
  }

  private static JsonNode json(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }
}
