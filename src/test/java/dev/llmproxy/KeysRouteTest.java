package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.ClearValuesRequest;
import com.google.api.services.sheets.v4.model.DeleteSheetRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.ValueRange;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.KeyConfirmation;
import dev.llmproxy.keys.KeyProblem;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** API keys during outages of the workbook, and many requests with unknown keys. */
class KeysRouteTest {
  private static final String SELDOM = "3600";

  @TempDir private Path sheets;
  @TempDir private Path data;
  private EmbeddedWorkbook workbook;

  @BeforeEach
  void open() throws IOException {
    workbook = EmbeddedWorkbook.open(sheets, 0);
  }

  @AfterEach
  void close() {
    workbook.close();
  }

  @Test
  void aStartDuringAnOutageServesTheKeysOfTheSnapshot() throws IOException {
    String key;
    String revoked;
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      key = gateway.createKey("a@example.com");
      revoked = gateway.createKey("b@example.com");
      book().revoke(row("b@example.com"));
      gateway.awaitKnown(revoked, false);
    }
    takeDown();

    try (Gateway gateway = Gateway.startUnread(data, settings("1"))) {
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(200);
      assertThat(gateway.get("/v1/models", revoked).statusCode()).isEqualTo(401);
      assertThat(gateway.get("/v1/models", "sk-unknown").statusCode()).isEqualTo(401);

      putUp();
      book().revoke(row("a@example.com"));
      gateway.awaitKnown(key, false);
    }
  }

  @Test
  void requestsGet503WithoutWorkbookAndSnapshot() throws IOException {
    String key = "sk-made-before-0123456789";
    book().add(key, "a@example.com", "A", "free", "2026-01-01T00:00:00Z");
    takeDown();

    try (Gateway gateway = Gateway.startUnread(data, settings("1"))) {
      HttpResponse<String> refused = gateway.get("/v1/models", key);
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.headers().firstValue("retry-after")).isPresent();
      assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("overloaded");

      putUp();
      Awaitility.await().until(() -> gateway.get("/v1/models", key).statusCode() == 200);
    }
  }

  @Test
  void tooOldSnapshotsAreNotUsed() throws IOException {
    String key = startOnce();
    age(Duration.ofHours(25));
    takeDown();

    try (Gateway gateway = Gateway.startUnread(data, settings("1"))) {
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(503);
    }
    age(Duration.ofHours(23));
    try (Gateway gateway = Gateway.startUnread(data, settings("1"))) {
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void noSnapshotIsStoredWhenSnapshotsAreOff() throws IOException {
    startOnce();
    Map<String, String> without =
        Map.of(
            "SHEETS_ROOT_URL", workbook.rootUrl(),
            "KEYS_REFRESH_SECONDS", "1",
            "KEYS_SNAPSHOT_HOURS", "0");
    assertThat(snapshot()).exists();

    try (Gateway gateway = Gateway.start(data, without)) {
      gateway.createKey("b@example.com");
    }
    assertThat(snapshot()).doesNotExist();
  }

  @Test
  void theSnapshotHasNoClearKeyAndIsPrivate() throws Exception {
    String typed = "sk-typed-by-hand-0123456789";
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      append(gateway, typed, "");
      gateway.awaitKnown(typed, true);
    }

    assertThat(Files.readString(snapshot())).contains(ApiKey.hash(typed)).doesNotContain(typed);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(snapshot())))
        .isEqualTo("rw-------");
  }

  @Test
  void aSheetJustCreatedByAnotherServerIsUsed() {
    try (FaultyWorkbook shared = FaultyWorkbook.before(workbook.rootUrl());
        LogLines lines = LogLines.open()) {
      shared.overtakeNext();
      // The server has read the keys when this returns.
      Gateway.start(data, Map.of("SHEETS_ROOT_URL", shared.rootUrl())).close();

      assertThat(shared.forwarded()).contains(new FaultyWorkbook.Forwarded("POST", 400));
      assertThat(lines.said()).noneMatch(line -> line.contains("could not be read"));
    }
  }

  @Test
  void revokedKeysAreRefusedAfterOneReading() {
    try (FaultyWorkbook seen = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway =
            Gateway.start(
                data, Map.of("SHEETS_ROOT_URL", seen.rootUrl(), "KEYS_REFRESH_SECONDS", "1"))) {
      String key = "sk-made-before-0123456789";
      book().add(key, "a@example.com", "A", "free", "2026-01-01T00:00:00Z");
      gateway.awaitKnown(key, true);

      book().revoke(row("a@example.com"));
      // The first may have begun before, and the last may not have ended; the second has ended.
      int before = seen.readings();
      Awaitility.await().until(() -> seen.readings() >= before + 3);

      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(401);
    }
  }

  @Test
  void manyUnknownKeysAtOnceShareOneReading() throws Exception {
    int requests = 50;
    try (FaultyWorkbook slow = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway =
            Gateway.start(
                data, Map.of("SHEETS_ROOT_URL", slow.rootUrl(), "KEYS_REFRESH_SECONDS", SELDOM));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      String fresh = "sk-made-a-moment-ago-0123";
      book().add(fresh, "new@example.com", "New", "free", "2026-01-01T00:00:00Z");
      int before = slow.readings();
      slow.holdReadings();

      List<Future<Integer>> statuses =
          IntStream.range(0, requests)
              .mapToObj(i -> i % 2 == 0 ? fresh : "sk-wrong-" + i)
              .map(key -> threads.submit(() -> gateway.get("/v1/models", key).statusCode()))
              .toList();
      Awaitility.await().until(() -> gateway.application().unknownKeys().waiting() == requests);
      slow.releaseReadings();

      for (int i = 0; i < requests; i++) {
        assertThat(statuses.get(i).get()).isEqualTo(i % 2 == 0 ? 200 : 401);
      }
      assertThat(slow.readings()).isEqualTo(before + 1);
    }
  }

  @Test
  void aKeyCreatedJustAfterAReadingIsAcceptedWithTheNext() {
    try (Gateway gateway = Gateway.start(data, settings(SELDOM))) {
      assertThat(gateway.get("/v1/models", "sk-wrong").statusCode()).isEqualTo(401);
      String fresh = "sk-made-a-moment-ago-0123";
      book().add(fresh, "new@example.com", "New", "free", "2026-01-01T00:00:00Z");

      assertThat(gateway.get("/v1/models", fresh).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void expiredKeysAreRefusedAndInvalidDatesReported() throws Exception {
    try (Gateway gateway = Gateway.start(data, settings(SELDOM))) {
      String time = "2026-01-01T00:00:00Z";
      Instant now = Instant.now();
      book().add("sk-ended-0123456789", "a@example.com", "", "free", time, "2026-01-01");
      book().add("sk-goes-on-0123456789", "b@example.com", "", "free", time, "2999-12-31");
      book().add("sk-unclear-0123456789", "c@example.com", "", "free", time, "soon");
      book().add("sk-never-0123456789", "d@example.com", "", "free", time);
      // Yesterday and the day after tomorrow, as a spreadsheet stores dates.
      long day = now.getEpochSecond() / 86_400 + 25_569;
      append(gateway, "sk-yesterday-0123456789", day - 1);
      append(gateway, "sk-tomorrow-0123456789", day + 2);

      assertThat(status(gateway, "sk-never-0123456789")).isEqualTo(200);
      assertThat(status(gateway, "sk-goes-on-0123456789")).isEqualTo(200);
      assertThat(status(gateway, "sk-tomorrow-0123456789")).isEqualTo(200);
      HttpResponse<String> ended = gateway.get("/v1/models", "sk-ended-0123456789");
      assertThat(ended.statusCode()).isEqualTo(401);
      assertThat(Gateway.json(ended).at("/error/code").asText()).isEqualTo("invalid_api_key");
      assertThat(status(gateway, "sk-yesterday-0123456789")).isEqualTo(401);
      assertThat(status(gateway, "sk-unclear-0123456789")).isEqualTo(401);
      assertThat(gateway.application().keyDirectory().problems())
          .extracting(KeyProblem::row)
          .containsExactly(4);
    }
  }

  @Test
  void anEmptiedSheetLocksNobodyOutUntilConfirmedInTheSheet() throws IOException {
    try (LogLines lines = LogLines.open()) {
      String key;
      try (Gateway gateway = Gateway.start(data, settings("1"))) {
        key = gateway.createKey("a@example.com");
        gateway.createKey("b@example.com");
        clear(gateway, "A1:Z1000");

        awaitStatus(gateway, 1, "⚠ The sheet has lost 2 keys at once");
        assertThat(status(gateway, key)).isEqualTo(200);
        assertThat(lines.said()).anyMatch(line -> line.contains("lost 2 keys at once"));
      }
      try (Gateway gateway = Gateway.start(data, settings("1"))) {
        awaitHeld(gateway, 2);
        assertThat(status(gateway, key)).isEqualTo(200);

        put(gateway, "K2", "CONFIRM");
        awaitHeld(gateway, 0);
        assertThat(status(gateway, key)).isEqualTo(401);
        awaitStatus(gateway, 1, "✓ Confirmed 2");
      }
    }
  }

  @Test
  void aDeletedSheetLocksNobodyOutUntilConfirmedByCommand() throws IOException {
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      String key = gateway.createKey("a@example.com");
      Workbook client = gateway.application().workbook();
      client
          .client()
          .spreadsheets()
          .batchUpdate(
              client.spreadsheetId(),
              new BatchUpdateSpreadsheetRequest()
                  .setRequests(
                      List.of(
                          new Request()
                              .setDeleteSheet(
                                  new DeleteSheetRequest()
                                      .setSheetId(WorkbookSchema.sheetId(ApiKeySheet.TITLE))))))
          .execute();
      awaitStatus(gateway, 1, "⚠ The sheet has lost a key at once");
      assertThat(status(gateway, key)).isEqualTo(200);

      new KeyConfirmation(data).create();
      awaitHeld(gateway, 0);
      assertThat(status(gateway, key)).isEqualTo(401);
      awaitStatus(gateway, 1, "");
    }
  }

  @Test
  void theStatusCellShowsTheErrorOfItsRowUntilFixed() throws IOException {
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      append(gateway, "sk-typed-by-hand-0123456789", "soon");
      awaitStatus(gateway, 1, "⚠ This row has an Expires At that cannot be read");
      Awaitility.await()
          .untilAsserted(() ->
              assertThat(Instant.parse((String) gateway.sheet(ApiKeySheet.TITLE).get(1).get(4)))
                  .isAfter(Instant.now().minusSeconds(3600)));

      put(gateway, "L2", "2999-01-01");
      put(gateway, "G2", "12,345");
      awaitStatus(gateway, 1, "");
      Awaitility.await().until(() -> status(gateway, "sk-typed-by-hand-0123456789") == 200);

      put(gateway, "K2", "my own word");
      put(gateway, "L2", "soon");
      gateway.awaitKnown("sk-typed-by-hand-0123456789", true);
      Awaitility.await().until(() -> !gateway.application().keyDirectory().problems().isEmpty());
      awaitStatus(gateway, 1, "my own word");
    }
  }

  @Test
  void keysRemovedTogetherAndRestoredStayValid() throws IOException {
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      String key = gateway.createKey("a@example.com");
      gateway.createKey("b@example.com");
      gateway.createKey("c@example.com");
      List<List<Object>> before = gateway.sheet(ApiKeySheet.TITLE);
      clear(gateway, "A2:Z1000");
      awaitHeld(gateway, 3);
      String snapshot = Files.readString(snapshot());
      assertThat(snapshot).contains("a@example.com", "b@example.com", "c@example.com");
      assertThat(status(gateway, key)).isEqualTo(200);

      put(gateway, "A1", before);
      awaitHeld(gateway, 0);
      awaitStatus(gateway, 1, "");
      assertThat(status(gateway, key)).isEqualTo(200);
      assertThat(gateway.application().keyDirectory().problems()).isEmpty();
    }
  }

  @Test
  void expiryUnderAnotherHeaderAppliesAndIsReported() throws IOException {
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      String ended = gateway.createKey("a@example.com");
      String goesOn = gateway.createKey("b@example.com");
      put(gateway, "L1", List.of(List.of("Expiry"), List.of("2026-01-01"), List.of("2999-01-01")));

      Awaitility.await().until(() -> status(gateway, ended) == 401);
      assertThat(status(gateway, goesOn)).isEqualTo(200);
      awaitStatus(gateway, 1, "⚠ The sheet has the header \"Expiry\" (column L)");
    }
  }

  @Test
  void aRenamedTierColumnIsReportedAndLimitsStay() throws IOException {
    Map<String, String> settings = new HashMap<>(settings("1"));
    settings.put("RATE_LIMIT_PRO", "5");
    try (Gateway gateway = Gateway.start(data, settings)) {
      String key = gateway.createKey("a@example.com", "pro");
      put(gateway, "D1", "Kind");

      awaitStatus(gateway, 1, "⚠ The sheet");
      assertThat(gateway.sheet(ApiKeySheet.TITLE).get(1).get(10).toString()).contains("\"Tier\"");
      assertThat(gateway.application().keyDirectory().caller(ApiKey.hash(key)).orElseThrow().tier())
          .isEqualTo("pro");

      put(gateway, "D1", "Tier");
      awaitStatus(gateway, 1, "");
    }
  }

  @Test
  void countersStoredAsTextAreCounted() throws IOException {
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      List<Object> header = gateway.sheet(ApiKeySheet.TITLE).get(0);
      Object[] cells = new Object[header.size()];
      Arrays.fill(cells, "");
      cells[0] = "sk-typed-by-hand-0123456789";
      cells[1] = "hand@example.com";
      cells[header.indexOf(ApiKeySheet.REQUESTS)] = "12,345";
      put(gateway, "A2", List.of(List.of(cells)));
      gateway.awaitKnown("sk-typed-by-hand-0123456789", true);

      gateway.chat("sk-typed-by-hand-0123456789", "openai/scripted", false, "one more");
      Awaitility.await()
          .until(() ->
              gateway.sheet(ApiKeySheet.TITLE).get(1).get(6) instanceof Number number
                  && number.longValue() == 12_346);
    }
  }

  private static void awaitHeld(Gateway gateway, int keys) {
    Awaitility.await().until(() -> gateway.application().keyDirectory().held() == keys);
  }

  /**
   * Waits until the cell of Status in a row (from 0) begins with a text; empty for an empty cell.
   */
  private static void awaitStatus(Gateway gateway, int row, String begins) {
    Awaitility.await()
        .untilAsserted(() -> {
          List<List<Object>> cells = gateway.sheet(ApiKeySheet.TITLE);
          assertThat(cells).isNotEmpty();
          int column = cells.get(0).indexOf(ApiKeySheet.STATUS);
          boolean there = column >= 0 && cells.size() > row && cells.get(row).size() > column;
          String status = there ? cells.get(row).get(column).toString() : "";
          assertThat(status).startsWith(begins);
          assertThat(status.isEmpty()).isEqualTo(begins.isEmpty());
        });
  }

  private static void put(Gateway gateway, String cell, Object value) throws IOException {
    put(gateway, cell, List.of(List.of(value)));
  }

  private static void put(Gateway gateway, String from, List<List<Object>> values)
      throws IOException {
    Workbook workbook = gateway.application().workbook();
    workbook
        .client()
        .spreadsheets()
        .values()
        .update(
            workbook.spreadsheetId(),
            "'" + ApiKeySheet.TITLE + "'!" + from,
            new ValueRange().setValues(values))
        .setValueInputOption("RAW")
        .execute();
  }

  private static void clear(Gateway gateway, String range) throws IOException {
    Workbook workbook = gateway.application().workbook();
    workbook
        .client()
        .spreadsheets()
        .values()
        .clear(
            workbook.spreadsheetId(),
            "'" + ApiKeySheet.TITLE + "'!" + range,
            new ClearValuesRequest())
        .execute();
  }

  @Test
  void fiftyThousandKeysAreLoaded() throws IOException {
    int keys = 50_000;
    int chunk = 10_000;
    book().rows();
    try (Workbook client = client()) {
      for (int first = 0; first < keys; first += chunk) {
        List<RowData> rows =
            IntStream.range(first, first + chunk)
                .mapToObj(i ->
                    WorkbookSchema.row(
                        List.of(
                            WorkbookSchema.text(ApiKey.cell("sk-key-number-" + i)),
                            WorkbookSchema.text("user" + i / 3 + "@example.com"),
                            WorkbookSchema.text("Laptop " + i),
                            WorkbookSchema.text("free"))))
                .toList();
        client
            .client()
            .spreadsheets()
            .batchUpdate(
                client.spreadsheetId(),
                new BatchUpdateSpreadsheetRequest()
                    .setRequests(
                        List.of(
                            WorkbookSchema.appendRows(
                                WorkbookSchema.sheetId(ApiKeySheet.TITLE), rows))))
            .execute();
      }
    }
    try (Gateway gateway = Gateway.startUnread(data, settings(SELDOM))) {
      Awaitility.await()
          .atMost(Duration.ofMinutes(2))
          .until(gateway.application().keyDirectory()::loaded);

      assertThat(status(gateway, "sk-key-number-0")).isEqualTo(200);
      assertThat(status(gateway, "sk-key-number-49999")).isEqualTo(200);
      assertThat(status(gateway, "sk-key-number-50000")).isEqualTo(401);
    }
    takeDown();
    try (Gateway gateway = Gateway.startUnread(data, settings(SELDOM))) {
      assertThat(status(gateway, "sk-key-number-49999")).isEqualTo(200);
    }
  }

  private String startOnce() {
    try (Gateway gateway = Gateway.start(data, settings("1"))) {
      return gateway.createKey("a@example.com");
    }
  }

  /** Sets the age of the snapshot. */
  private void age(Duration age) throws IOException {
    String text = Files.readString(snapshot());
    String lines =
        text.substring(0, text.length() - 65)
            .replaceFirst(
                "\"readAt\":\"[^\"]+\"", "\"readAt\":\"" + Instant.now().minus(age) + "\"");
    Files.writeString(snapshot(), lines + Sha256.hex(lines) + "\n");
  }

  private Path snapshot() {
    return data.resolve("keys-snapshot.jsonl");
  }

  private void takeDown() {
    workbook.close();
  }

  /** Starts the workbook on its previous port. */
  private void putUp() throws IOException {
    workbook = EmbeddedWorkbook.open(sheets, URI.create(workbook.rootUrl()).getPort());
  }

  private Map<String, String> settings(String refreshSeconds) {
    return Map.of("SHEETS_ROOT_URL", workbook.rootUrl(), "KEYS_REFRESH_SECONDS", refreshSeconds);
  }

  /** A client of the workbook that does not use the gateway. */
  private Workbook client() {
    return Workbook.open(Settings.load(Path.of(""), Map.of("SHEETS_ROOT_URL", workbook.rootUrl())));
  }

  private ApiKeyBook book() {
    return new ApiKeyBook(client());
  }

  private ApiKeyRow row(String email) {
    return book().rows().stream()
        .filter(row -> row.email().equals(email))
        .findFirst()
        .orElseThrow();
  }

  private static int status(Gateway gateway, String key) {
    return gateway.get("/v1/models", key).statusCode();
  }

  private static void append(Gateway gateway, String key, Object expires) throws IOException {
    List<Object> header = gateway.sheet(ApiKeySheet.TITLE).get(0);
    Object[] cells = new Object[header.size()];
    Arrays.fill(cells, "");
    cells[header.indexOf(ApiKeySheet.API_KEY)] = key;
    cells[header.indexOf(ApiKeySheet.USER_EMAIL)] = "hand@example.com";
    if (header.contains(ApiKeySheet.EXPIRES_AT)) {
      cells[header.indexOf(ApiKeySheet.EXPIRES_AT)] = expires;
    }
    Workbook workbook = gateway.application().workbook();
    workbook
        .client()
        .spreadsheets()
        .values()
        .append(
            workbook.spreadsheetId(),
            ApiKeySheet.TITLE + "!A1",
            new ValueRange().setValues(List.of(List.of(cells))))
        .setValueInputOption("RAW")
        .execute();
  }
}
