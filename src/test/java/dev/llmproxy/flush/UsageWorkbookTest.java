package dev.llmproxy.flush;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.DimensionRange;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.GridRange;
import com.google.api.services.sheets.v4.model.InsertDimensionRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.SortRangeRequest;
import com.google.api.services.sheets.v4.model.SortSpec;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.SpreadsheetProperties;
import com.google.api.services.sheets.v4.model.UpdateSheetPropertiesRequest;
import dev.llmproxy.Gateway;
import dev.llmproxy.MovedClock;
import dev.llmproxy.cli.WorkbookExport;
import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.emulator.FaultyWorkbook.Fault;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.WorkbookSchema;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The flush while Google fails, refuses and fills up, and while an administrator edits. */
class UsageWorkbookTest {
  private static final Logger LOG = LoggerFactory.getLogger(UsageWorkbookTest.class);
  private static final String EMAIL = "flush@example.com";

  @TempDir private Path workbookFolder;
  @TempDir private Path data;

  final Map<String, String> settings = new HashMap<>();
  private EmbeddedWorkbook workbook;
  private FaultyWorkbook faulty;

  @BeforeEach
  void open() throws IOException {
    workbook = EmbeddedWorkbook.open(workbookFolder, 0);
    faulty = FaultyWorkbook.before(workbook.rootUrl());
    settings.put("SHEETS_ROOT_URL", faulty.rootUrl());
    settings.put("SHEETS_COMMIT_WAIT_SECONDS", "1");
  }

  @AfterEach
  void close() {
    faulty.close();
    workbook.close();
  }

  @Test
  void refusedRecordIsPutAsideAndWrittenOnRetry() throws IOException {
    try (Gateway gateway = Gateway.start(data, settings)) {
      String key = gateway.createKey(EMAIL);
      faulty.poison("openai/poison");
      for (int i = 0; i < 9; i++) {
        gateway.chat(key, i == 5 ? "openai/poison" : "openai/scripted", false, "request " + i);
      }
      List<UsageRecord> records = gateway.awaitRecords(9);

      await().until(() -> counted(key) == 8);
      await().until(() -> FlushBook.deadLetters(gateway.settings()).size() == 1);
      assertThat(FlushBook.deadLetters(gateway.settings()))
          .singleElement()
          .satisfies(letter -> {
            assertThat(letter.model()).isEqualTo("openai/poison");
            assertThat(letter.error()).contains("poison");
          });
      assertThat(ids(gateway)).hasSize(8).doesNotHaveDuplicates();

      faulty.poison(null);
      assertThat(FlushBook.retryDeadLetters(gateway.settings())).isEqualTo(1);
      await().until(() -> counted(key) == 9);
      assertThat(ids(gateway))
          .containsExactlyInAnyOrderElementsOf(
              records.stream().map(UsageRecord::requestId).toList());
      assertThat(FlushBook.deadLetters(gateway.settings())).isEmpty();
      assertThat(FlushBook.deadLetters(gateway.settings())).isEmpty();
    }
  }

  @Test
  void refusingWorkbookIsReportedAndWritingResumes() throws IOException {
    MovedClock clock = new MovedClock(Instant.parse("2026-03-01T00:00:00Z"));
    try (Gateway gateway = Gateway.start(data, settings, clock)) {
      String key = gateway.createKey(EMAIL);
      UsageFlush flush = gateway.application().usageFlush();
      faulty.refuse(403);
      assertThat(gateway.chat(key, "openai/scripted", false, "one").statusCode()).isEqualTo(200);

      await().until(() -> flush.health().state() == FlushHealth.State.REFUSED);
      assertThat(flush.health().problem()).contains("share it with the service account");
      assertThat(flush.waiting()).isEqualTo(1);

      faulty.refuse(0);
      clock.move(Duration.ofSeconds(65));
      await().until(() -> counted(key) == 1);
      await().until(() -> flush.health().state() == FlushHealth.State.WRITING);
    }
  }

  @Test
  void workbookThatRefusesFromTheStartIsReported() {
    MovedClock clock = new MovedClock(Instant.parse("2026-03-01T00:00:00Z"));
    faulty.refuse(403);
    try (Gateway gateway = Gateway.startUnread(data, settings, clock)) {
      UsageFlush flush = gateway.application().usageFlush();
      await().until(() -> flush.health().state() == FlushHealth.State.REFUSED);

      faulty.refuse(0);
      clock.move(Duration.ofSeconds(65));
      await().until(() -> flush.health().state() == FlushHealth.State.WRITING);
    }
  }

  @Test
  void tenMinutesOfOutageLoseNothingAndCatchUpInAFewCalls() throws IOException {
    MovedClock clock = new MovedClock(Instant.parse("2026-03-01T00:00:00Z"));
    try (Gateway gateway = Gateway.start(data, settings, clock)) {
      String key = gateway.createKey(EMAIL);
      await().until(() -> gateway.application().usageFlush().counters().hasRead());
      faulty.refuse(503);
      for (int minute = 0; minute < 10; minute++) {
        for (int i = 0; i < 5; i++) {
          assertThat(gateway.chat(key, "openai/scripted", false, "x").statusCode()).isEqualTo(200);
        }
        clock.move(Duration.ofMinutes(1));
      }
      gateway.awaitRecords(50);
      int before = faulty.commits();
      faulty.refuse(0);
      clock.move(Duration.ofMinutes(2));

      await().until(() -> counted(key) == 50);
      assertThat(ids(gateway)).hasSize(50).doesNotHaveDuplicates();
      assertThat(faulty.commits() - before).isLessThanOrEqualTo(4);
    }
  }

  @Test
  void requestsBeyondTheDaysDetailRowsAreSummedUp() throws IOException {
    settings.put("SHEETS_DETAIL_ROWS_PER_DAY", "3");
    try (Gateway gateway = Gateway.start(data, settings)) {
      String key = gateway.createKey(EMAIL);
      for (int i = 0; i < 10; i++) {
        gateway.chat(key, i % 2 == 0 ? "openai/even" : "openai/odd", false, "request");
      }
      List<UsageRecord> records = gateway.awaitRecords(10);
      await().until(() -> counted(key) == 10);

      List<List<Object>> rows = users(workbook());
      assertThat(rows.stream().mapToLong(row -> number(row.get(11))).sum()).isEqualTo(10);
      assertThat(rows.stream().mapToLong(row -> number(row.get(6))).sum())
          .isEqualTo(records.stream().mapToLong(UsageRecord::tokensOut).sum());
      // At least ten are on one day, even if the test runs over midnight.
      assertThat(rows.stream().filter(row -> !row.get(10).equals(""))).hasSizeBetween(3, 6);
      assertThat(rows.stream().filter(row -> row.get(10).equals("")))
          .isNotEmpty()
          .allSatisfy(row -> assertThat((String) row.get(0)).endsWith(":00Z"));
    }
  }

  @Test
  void fullSpreadsheetIsReplacedByAPreparedOneThenByACreatedOne() throws IOException {
    Sheets sheets = client();
    String prepared =
        sheets
            .spreadsheets()
            .create(
                new Spreadsheet().setProperties(new SpreadsheetProperties().setTitle("prepared")))
            .execute()
            .getSpreadsheetId();
    settings.put("SHEETS_ROTATE_PERCENT", "1");
    settings.put("SHEETS_USAGE_SPREADSHEET_IDS", prepared);
    try (Gateway gateway = Gateway.start(data, settings)) {
      String key = gateway.createKey(EMAIL);
      gateway.chat(key, "openai/scripted", false, "one");
      await().until(() -> counted(key) == 1);

      fill(workbook());
      // The answer to each step of the rotation is lost once.
      for (int i = 0; i < 3; i++) {
        faulty.suffer(Fault.ANSWER_LOST);
      }
      gateway.chat(key, "openai/scripted", false, "two");
      await().until(() -> counted(key) == 2);
      assertThat(users(prepared)).hasSize(1);

      fill(prepared);
      gateway.chat(key, "openai/scripted", false, "three");
      await().until(() -> counted(key) == 3);
      gateway.stop();
      gateway.start();
      gateway.chat(key, "openai/scripted", false, "four");
      await().until(() -> counted(key) == 4);

      List<List<Object>> index = gateway.sheet(WorkbookSchema.INDEX_TITLE);
      assertThat(index).hasSize(3);
      String own = (String) index.get(2).get(0);
      assertThat(index.get(1).get(0)).isEqualTo(prepared);
      assertThat(users(workbook())).hasSize(1);
      assertThat(users(prepared)).hasSize(1);
      assertThat(users(own)).hasSize(2);
      new WorkbookExport(gateway.application().workbook()).toCsv(data.resolve("export"));
      assertThat(data.resolve("export"))
          .isDirectoryContaining("glob:**flush_at_example_dot_com.csv")
          .isDirectoryContaining("glob:**flush_at_example_dot_com (2).csv")
          .isDirectoryContaining("glob:**flush_at_example_dot_com (3).csv");
    }
  }

  @RepeatedTest(2)
  void administratorsEditsLoseAndDuplicateNothing() throws IOException {
    long seed = System.nanoTime();
    LOG.info("Seed {}", seed);
    Random random = new Random(seed);
    List<Fault> faults = List.copyOf(EnumSet.allOf(Fault.class));
    try (Gateway gateway = Gateway.start(data, settings)) {
      List<String> keys = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        keys.add(gateway.createKey("user" + i + "@example.com"));
      }
      Map<String, Long> asked = new HashMap<>();
      for (int i = 0; i < 60; i++) {
        String key = keys.get(random.nextInt(keys.size()));
        if (random.nextInt(20) == 0) {
          faulty.suffer(faults.get(random.nextInt(faults.size())));
        }
        assertThat(gateway.chat(key, "openai/scripted", false, "x").statusCode()).isEqualTo(200);
        asked.merge(key, 1L, Long::sum);
        disturb(random);
        int pause = random.nextInt(300);
        Awaitility.await().pollDelay(Duration.ofMillis(pause)).until(() -> true);
      }
      List<UsageRecord> records = gateway.awaitRecords(60);

      for (String key : keys) {
        Awaitility.await("seed " + seed)
            .atMost(Duration.ofMinutes(3))
            .untilAsserted(() -> assertThat(counted(key)).isEqualTo(asked.getOrDefault(key, 0L)));
      }
      assertThat(ids(gateway))
          .as("seed " + seed)
          .containsExactlyInAnyOrderElementsOf(
              records.stream().map(UsageRecord::requestId).toList());
    }
  }

  /** An edit by an administrator, of the sheet of the keys or of a user's sheet. */
  private void disturb(Random random) throws IOException {
    List<SheetProperties> sheets =
        client().spreadsheets().get(workbook()).execute().getSheets().stream()
            .map(Sheet::getProperties)
            .filter(sheet -> !Boolean.TRUE.equals(sheet.getHidden()))
            .toList();
    SheetProperties sheet = sheets.get(random.nextInt(sheets.size()));
    int rows = sheet.getGridProperties().getRowCount();
    int columns = sheet.getGridProperties().getColumnCount();
    Request request = new Request();
    switch (rows < 2 ? 3 : random.nextInt(4)) {
      case 0 ->
          request.setSortRange(
              new SortRangeRequest()
                  .setRange(new GridRange().setSheetId(sheet.getSheetId()).setStartRowIndex(1))
                  .setSortSpecs(
                      List.of(
                          new SortSpec()
                              .setDimensionIndex(random.nextInt(columns))
                              .setSortOrder(random.nextBoolean() ? "ASCENDING" : "DESCENDING"))));
      case 1 -> request.setInsertDimension(insert(sheet, "ROWS", 1 + random.nextInt(rows - 1)));
      case 2 -> request.setInsertDimension(insert(sheet, "COLUMNS", random.nextInt(columns)));
      default ->
          request.setUpdateSheetProperties(
              new UpdateSheetPropertiesRequest()
                  .setFields("title")
                  .setProperties(
                      new SheetProperties()
                          .setSheetId(sheet.getSheetId())
                          .setTitle("It's renamed " + random.nextInt(1_000_000))));
    }
    send(workbook(), request);
  }

  private static InsertDimensionRequest insert(SheetProperties sheet, String what, int at) {
    return new InsertDimensionRequest()
        .setRange(
            new DimensionRange()
                .setSheetId(sheet.getSheetId())
                .setDimension(what)
                .setStartIndex(at)
                .setEndIndex(at + 1));
  }

  private void fill(String spreadsheet) throws IOException {
    GridProperties grid = new GridProperties().setRowCount(1000).setColumnCount(100);
    send(
        spreadsheet,
        new Request()
            .setAddSheet(
                new AddSheetRequest()
                    .setProperties(
                        new SheetProperties().setTitle("Filler").setGridProperties(grid))));
  }

  private void send(String spreadsheet, Request request) throws IOException {
    client()
        .spreadsheets()
        .batchUpdate(spreadsheet, new BatchUpdateSpreadsheetRequest().setRequests(List.of(request)))
        .execute();
  }

  /** The request ids in the users' sheets of the main spreadsheet, under any header. */
  private List<String> ids(Gateway gateway) throws IOException {
    List<String> known =
        gateway.application().ledger().after(0, 10_000).stream()
            .map(UsageRecord::requestId)
            .toList();
    List<String> found = new ArrayList<>();
    for (Sheet sheet : client().spreadsheets().get(workbook()).execute().getSheets()) {
      for (List<Object> row : cells(workbook(), sheet.getProperties().getTitle())) {
        row.stream().map(String::valueOf).filter(known::contains).forEach(found::add);
      }
    }
    return found;
  }

  /** The counter of a key in the sheet of the keys, under any title. */
  private long counted(String key) throws IOException {
    int id = WorkbookSchema.sheetId(ApiKeySheet.TITLE);
    String title =
        client().spreadsheets().get(workbook()).execute().getSheets().stream()
            .map(Sheet::getProperties)
            .filter(sheet -> sheet.getSheetId() == id)
            .findFirst()
            .orElseThrow()
            .getTitle();
    return new ApiKeySheet(cells(workbook(), title))
        .rows().stream()
            .filter(
                row -> ApiKey.hashOfCell(row.apiKey()).filter(ApiKey.hash(key)::equals).isPresent())
            .mapToLong(ApiKeyRow::requests)
            .sum();
  }

  private List<List<Object>> users(String spreadsheet) throws IOException {
    List<List<Object>> cells = cells(spreadsheet, "flush_at_example_dot_com");
    return cells.subList(1, cells.size());
  }

  private List<List<Object>> cells(String spreadsheet, String title) throws IOException {
    List<List<Object>> values =
        client()
            .spreadsheets()
            .values()
            .get(spreadsheet, "'" + title.replace("'", "''") + "'")
            .setValueRenderOption("UNFORMATTED_VALUE")
            .execute()
            .getValues();
    return values == null ? List.of() : values;
  }

  private Sheets client() {
    return new Sheets.Builder(
            new com.google.api.client.http.javanet.NetHttpTransport(),
            com.google.api.client.json.gson.GsonFactory.getDefaultInstance(),
            request -> {})
        .setApplicationName("test")
        .setRootUrl(workbook.rootUrl())
        .build();
  }

  private static String workbook() {
    return EmbeddedWorkbook.SPREADSHEET_ID;
  }

  private static long number(Object cell) {
    return ((Number) cell).longValue();
  }

  private static ConditionFactory await() {
    return Awaitility.await();
  }
}
