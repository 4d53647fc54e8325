package dev.llmproxy.usage;

import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.GridCoordinate;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.UpdateCellsRequest;
import dev.llmproxy.gate.ApiKey;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the ledger's settled records into the workbook, each exactly once. One {@code batchUpdate}
 * carries the rows, the keys' counters and, in the sheet {@code _sync}, how far this ledger has
 * come; it is applied whole or not at all. Whatever happens to it, the next round reads {@code
 * _sync} and goes on from there. A commit without an answer may still be applied for a while, so
 * the next round waits until it cannot. Used by one route at a time.
 */
public final class UsageFlush {
  /** Columns of a user's sheet. */
  public static final List<String> HEADERS =
      List.of(
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
          "Request ID");

  private static final Logger LOG = LoggerFactory.getLogger(UsageFlush.class);
  private static final int MOST_RECORDS = 2000;
  private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(64);

  private final Ledger ledger;
  private final SheetTitles titles;
  private final Workbook workbook;
  private final Clock clock;
  private long checkpoint;
  private long sending;
  private int failures;
  private Instant notBefore = Instant.EPOCH;

  public UsageFlush(Ledger ledger, Workbook workbook, Clock clock) {
    this.ledger = ledger;
    this.titles = new SheetTitles(ledger);
    this.workbook = workbook;
    this.clock = clock;
  }

  /** Whether there is something to write and now is the time to. */
  public boolean due() {
    Instant now = clock.instant();
    if (ledger.lastSequence() <= checkpoint || now.isBefore(notBefore)) {
      return false;
    }
    return ledger
        .commitSentAt()
        .map(sent -> !now.isBefore(sent.plus(workbook.commitWait())))
        .orElse(true);
  }

  /**
   * The commit that brings the next records in.
   *
   * @param spreadsheet with the properties of all its sheets
   * @param values the cells of {@code User API Keys} and of {@code _sync}, in this order
   * @return null when the workbook has everything
   */
  public BatchUpdateSpreadsheetRequest commit(
      @ExchangeProperty("spreadsheet") Spreadsheet spreadsheet,
      @Body BatchGetValuesResponse values) {
    List<List<Object>> sync = cells(values, 1);
    int syncRow = syncRow(sync);
    checkpoint = syncRow < sync.size() ? sequence(sync.get(syncRow)) : 0;
    ledger.noteCommitSent(null);
    List<UsageRecord> records = ledger.after(checkpoint, MOST_RECORDS);
    if (records.isEmpty()) {
      return null;
    }
    Map<String, Integer> sheetIds = new HashMap<>();
    for (Sheet sheet : spreadsheet.getSheets()) {
      sheetIds.put(sheet.getProperties().getTitle(), sheet.getProperties().getSheetId());
    }
    List<Request> requests = new ArrayList<>(usageRows(records, sheetIds));
    requests.addAll(
        counters(records, new ApiKeySheet(cells(values, 0)), present(sheetIds, ApiKeySheet.TITLE)));
    sending = records.get(records.size() - 1).sequence();
    requests.add(checkpointRow(sync, syncRow, present(sheetIds, WorkbookSchema.SYNC_TITLE)));
    ledger.noteCommitSent(clock.instant());
    return new BatchUpdateSpreadsheetRequest().setRequests(requests);
  }

  /** To be called when the commit was acknowledged. */
  public void committed() {
    ledger.noteCommitSent(null);
    LOG.debug("Usage records up to {} are in the workbook", sending);
    checkpoint = sending;
    failures = 0;
    notBefore = Instant.EPOCH;
  }

  /** To be called when a round failed, whichever call it was that did. */
  public void failed(Throwable cause) {
    failures++;
    Duration backoff =
        Duration.ofSeconds(Math.min(1L << Math.min(failures, 6), LONGEST_BACKOFF.toSeconds()));
    notBefore = clock.instant().plus(backoff);
    if (refused(cause)) {
      ledger.noteCommitSent(null);
    }
    LOG.warn(
        "Usage could not be written to the workbook; the ledger keeps it, next try in {} s: {}",
        backoff.toSeconds(),
        cause.getMessage());
  }

  /** A clear no was not applied and never will be; anything else may be. */
  private static boolean refused(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof GoogleJsonResponseException answer) {
        return answer.getStatusCode() >= 400 && answer.getStatusCode() < 500;
      }
    }
    return false;
  }

  private static int present(Map<String, Integer> sheetIds, String title) {
    Integer id = sheetIds.get(title);
    if (id == null) {
      throw new WorkbookException("The sheet \"" + title + "\" is gone.");
    }
    return id;
  }

  private List<Request> usageRows(List<UsageRecord> records, Map<String, Integer> sheetIds) {
    Map<String, List<RowData>> rows = new LinkedHashMap<>();
    for (UsageRecord record : records) {
      rows.computeIfAbsent(titles.of(record.email()), title -> new ArrayList<>()).add(row(record));
    }
    List<Request> requests = new ArrayList<>();
    rows.forEach((title, added) -> {
      Integer sheetId = sheetIds.get(title);
      if (sheetId == null) {
        sheetId = WorkbookSchema.sheetId(title);
        requests.addAll(WorkbookSchema.newSheet(title, HEADERS, false));
      }
      requests.add(WorkbookSchema.appendRows(sheetId, added));
    });
    return requests;
  }

  private static RowData row(UsageRecord record) {
    return WorkbookSchema.row(
        List.of(
            WorkbookSchema.text(iso(record.timestamp())),
            WorkbookSchema.text(record.email()),
            WorkbookSchema.text(record.type()),
            WorkbookSchema.text(record.model()),
            WorkbookSchema.text(record.provider()),
            WorkbookSchema.number(record.tokensIn()),
            WorkbookSchema.number(record.tokensOut()),
            WorkbookSchema.number(record.cost()),
            WorkbookSchema.number(record.durationMillis()),
            WorkbookSchema.text(record.status().name()),
            WorkbookSchema.text(record.requestId())));
  }

  /** A key whose row is gone keeps its records; it has no counters any more. */
  private static List<Request> counters(List<UsageRecord> records, ApiKeySheet sheet, int sheetId) {
    Map<String, ApiKeyRow> rowByHash = new HashMap<>();
    sheet
        .rows()
        .forEach(
            row -> ApiKey.hashOfCell(row.apiKey()).ifPresent(hash -> rowByHash.put(hash, row)));
    Map<String, Count> counts = new LinkedHashMap<>();
    for (UsageRecord record : records) {
      if (rowByHash.containsKey(record.keyHash())) {
        counts.merge(record.keyHash(), Count.of(record), Count::plus);
      }
    }
    List<Request> requests = new ArrayList<>();
    counts.forEach((hash, count) -> {
      ApiKeyRow row = rowByHash.get(hash);
      addCell(
          requests,
          sheet,
          sheetId,
          row,
          ApiKeySheet.LAST_USED,
          WorkbookSchema.text(iso(count.last)));
      addCell(
          requests,
          sheet,
          sheetId,
          row,
          ApiKeySheet.REQUESTS,
          WorkbookSchema.number(row.requests() + count.requests));
      addCell(
          requests,
          sheet,
          sheetId,
          row,
          ApiKeySheet.TOKENS,
          WorkbookSchema.number(row.tokens() + count.tokens));
    });
    return requests;
  }

  /** A column that an administrator has removed is not brought back. */
  private static void addCell(
      List<Request> requests,
      ApiKeySheet sheet,
      int sheetId,
      ApiKeyRow row,
      String header,
      CellData cell) {
    int column = sheet.column(header);
    if (column >= 0) {
      requests.add(updateCells(sheetId, row.number() - 1, column, List.of(cell)));
    }
  }

  private Request checkpointRow(List<List<Object>> sync, int syncRow, int sheetId) {
    List<CellData> cells =
        List.of(
            WorkbookSchema.text(ledger.id().toString()),
            WorkbookSchema.number(sending),
            WorkbookSchema.text(iso(clock.instant())));
    return syncRow < sync.size()
        ? updateCells(sheetId, syncRow, 0, cells)
        : WorkbookSchema.appendRows(sheetId, List.of(WorkbookSchema.row(cells)));
  }

  private static Request updateCells(int sheetId, int row, int column, List<CellData> cells) {
    return new Request()
        .setUpdateCells(
            new UpdateCellsRequest()
                .setStart(
                    new GridCoordinate()
                        .setSheetId(sheetId)
                        .setRowIndex(row)
                        .setColumnIndex(column))
                .setRows(List.of(WorkbookSchema.row(cells)))
                .setFields("userEnteredValue"));
  }

  /** The zero-based row of this ledger's checkpoint, or the number of rows when it has none yet. */
  private int syncRow(List<List<Object>> sync) {
    for (int i = 1; i < sync.size(); i++) {
      if (!sync.get(i).isEmpty() && ledger.id().toString().equals(sync.get(i).get(0))) {
        return i;
      }
    }
    return sync.size();
  }

  private static long sequence(List<Object> row) {
    if (row.size() > 1 && row.get(1) instanceof Number number) {
      return number.longValue();
    }
    throw new WorkbookException(
        "The sheet \"_sync\" has been edited: the row of this ledger has no sequence. Nothing is written until it has again.");
  }

  private static List<List<Object>> cells(BatchGetValuesResponse values, int range) {
    List<List<Object>> cells = values.getValueRanges().get(range).getValues();
    return cells == null ? List.of() : cells;
  }

  private static String iso(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  private record Count(long requests, long tokens, Instant last) {
    static Count of(UsageRecord record) {
      return new Count(1, record.tokensIn() + record.tokensOut(), record.timestamp());
    }

    Count plus(Count other) {
      return new Count(
          requests + other.requests,
          tokens + other.tokens,
          last.isAfter(other.last) ? last : other.last);
    }
  }
}
