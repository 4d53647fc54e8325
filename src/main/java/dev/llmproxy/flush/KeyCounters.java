package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.flush.FlushBook.KeyCount;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.KeyProblem;
import dev.llmproxy.keys.KeyStatus;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.TierSheet;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes Last Used, Requests and Tokens in the sheet {@code User API Keys} equal to the ledger's
 * sums. Counters are written as whole values, never as increments, so writing them twice does no
 * harm. An administrator may sort the sheet between reading and writing, so the counters are read
 * again until nothing differs.
 */
public final class KeyCounters {
  // A spreadsheet stores fifteen digits. A longer number would never read back as written.
  private static final long MOST_SHOWN = 999_999_999_999_999L;
  private static final Logger LOG = LoggerFactory.getLogger(KeyCounters.class);
  // The number of columns that ApiKeyBook reads.
  private static final int MOST_COLUMNS = 26;
  // The columns from API Key to Notes.
  private static final int LEAST_COLUMNS = 10;
  private static final Duration REFUSED_PAUSE = Duration.ofMinutes(10);

  private final FlushBook book;
  private final WorkbookSchema schema;
  private final Clock clock;
  private final Map<String, String> createdAtRead = new HashMap<>();
  private final Map<String, String> createdAtWritten = new HashMap<>();
  private KeyDirectory keys;
  private Tiers tiers;
  private Instant statusFrom;
  private Map<String, KeyCount> written = Map.of();
  private boolean due = true;
  private boolean hasRead;

  KeyCounters(FlushBook book, WorkbookSchema schema, Clock clock) {
    this.book = book;
    this.schema = schema;
    this.clock = clock;
  }

  /** Sets the sources of the texts in Status. Without them, nothing is written there. */
  public void setKeys(KeyDirectory keys, Tiers tiers) {
    this.keys = keys;
    this.tiers = tiers;
  }

  /** Whether the counters or the texts in Status may differ from the sheet. */
  public boolean due() {
    return due || (keys != null && mayWriteStatus() && (keys.untidy() || tiers.untidy()));
  }

  /**
   * Called when the sheet refused the last change. The rest of that change is tried without Status.
   */
  boolean refused(UsageFlush.Round round) {
    if (round.writesStatus) {
      statusFrom = clock.instant().plus(REFUSED_PAUSE);
    }
    return round.writesStatus;
  }

  private boolean mayWriteStatus() {
    return statusFrom == null || !clock.instant().isBefore(statusFrom);
  }

  /** Marks the sheet as possibly different from the ledger. */
  void setDue() {
    due = true;
  }

  /** Marks the sheet as possibly changed by another server. */
  void takeOver() {
    due = true;
    hasRead = false;
  }

  /** Whether this server has read the sheet since it became the writer. */
  boolean hasRead() {
    return hasRead;
  }

  /** The ranges of the whole sheets of the keys and the tiers. */
  public List<String> ranges(
      @ExchangeProperty("round") UsageFlush.Round round,
      @ExchangeProperty("spreadsheet") Spreadsheet main) {
    SheetIndex index = schema.index(schema.mainId(), main);
    round.keysSheet = index.present(ApiKeySheet.TITLE);
    round.tiersSheet = index.present(TierSheet.TITLE);
    return List.of(
        SheetIndex.range(round.keysSheet, null), SheetIndex.range(round.tiersSheet, null));
  }

  /**
   * The changes that make the sheet of the keys equal to the ledger, and those of Status.
   *
   * @param values the cells of {@link #ranges}
   * @return null when nothing differs
   */
  public BatchUpdateSpreadsheetRequest update(
      @ExchangeProperty("round") UsageFlush.Round round, @Body BatchGetValuesResponse values) {
    ApiKeySheet sheet = new ApiKeySheet(FlushCommit.cells(values, 0));
    Map<ApiKeyRow, String> hashes = new HashMap<>();
    for (ApiKeyRow row : sheet.rows()) {
      ApiKey.hashOfCell(row.apiKey()).ifPresent(hash -> hashes.put(row, hash));
    }
    Map<String, Set<String>> usedBy = usedBy(book.keyCounts());
    readBaseCounts(sheet, hashes, usedBy);
    Map<String, KeyCount> counts = book.keyCounts();
    List<Request> requests = new ArrayList<>();
    Target target = new Target(sheet, round.keysSheet, requests);
    for (ApiKeyRow row : sheet.rows()) {
      String hash = hashes.get(row);
      if (hash != null) {
        count(target, row, counts.get(hash), hasCountersOfAnotherKey(row, hash, usedBy));
      } else if (row.apiKey().isBlank()
          && row.email().isBlank()
          && hasCountersOfAnotherKey(row, "", usedBy)) {
        clear(target, row);
      }
    }
    round.writesStatus = false;
    if (keys != null && mayWriteStatus()) {
      int before = requests.size();
      updateStatus(FlushCommit.cells(values, 0), target, hashes);
      requests.addAll(
          StatusCells.ofTiers(
              round.tiersSheet, FlushCommit.cells(values, 1), tiers, clock.instant()));
      round.writesStatus = requests.size() > before;
      if (!round.writesStatus) {
        keys.tidied();
      }
    }
    hasRead = true;
    due = !requests.isEmpty();
    written = counts;
    return due ? new BatchUpdateSpreadsheetRequest().setRequests(requests) : null;
  }

  /** Adds the changes of Status and Created At. Text that people have written stays unchanged. */
  private void updateStatus(
      List<List<Object>> cells, Target target, Map<ApiKeyRow, String> hashes) {
    ApiKeySheet sheet = target.sheet;
    List<Request> requests = target.requests;
    List<KeyProblem> problems = keys.problemsIn(cells);
    int sheetId = target.properties.getSheetId();
    GridProperties grid = target.properties.getGridProperties();
    if (cells.isEmpty()) {
      // Somebody has emptied the sheet: write the headers again, and the texts in Status below
      // them.
      if (!problems.isEmpty() && grid.getColumnCount() >= LEAST_COLUMNS) {
        requests.add(
            WorkbookSchema.updateCells(
                sheetId,
                0,
                0,
                ApiKeySheet.HEADERS.stream()
                    .limit(grid.getColumnCount())
                    .map(WorkbookSchema::text)
                    .toList()));
      }
      return;
    }
    int status = sheet.column(ApiKeySheet.STATUS);
    if (status < 0 && !problems.isEmpty() && !keys.hadStatus() && sheet.width() < MOST_COLUMNS) {
      requests.addAll(
          WorkbookSchema.insertColumn(sheetId, sheet.width(), grid, ApiKeySheet.STATUS));
      return;
    }
    if (status >= 0) {
      statuses(target, problems);
    }
    sheet.rows().forEach(row -> created(target, row, hashes.get(row)));
  }

  private void statuses(Target target, List<KeyProblem> problems) {
    Map<Integer, String> present = new LinkedHashMap<>();
    target.sheet.rows().forEach(row -> present.put(row.number(), row.status()));
    target.requests.addAll(
        StatusCells.write(
            target.properties,
            target.sheet.column(ApiKeySheet.STATUS),
            KeyStatus.changes(present, problems, clock.instant())));
  }

  /**
   * Fills in Created At with the time when the row was first seen. If rows moved while that was
   * written, the wrong row gets its old value back.
   */
  private void created(Target target, ApiKeyRow row, String hash) {
    if (hash == null || target.sheet.column(ApiKeySheet.CREATED_AT) < 0) {
      return;
    }
    String shown = row.createdAt();
    String old = createdAtRead.get(hash);
    boolean ofAnotherRow =
        !shown.isEmpty()
            && !shown.equals(createdAtWritten.get(hash))
            && createdAtWritten.containsValue(shown);
    if (shown.isEmpty() || (ofAnotherRow && old != null)) {
      String due =
          old != null
              ? old
              : createdAtWritten.computeIfAbsent(
                  hash, key -> UsageLine.iso(clock.instant().plusMillis(createdAtWritten.size())));
      target.write(row.number(), ApiKeySheet.CREATED_AT, WorkbookSchema.text(due));
    } else if (!ofAnotherRow) {
      createdAtRead.put(hash, shown);
    }
  }

  /** The counters of a key start from the values in the sheet when the key is first seen. */
  private void readBaseCounts(
      ApiKeySheet sheet, Map<ApiKeyRow, String> hashes, Map<String, Set<String>> usedBy) {
    Set<String> known = book.keysWithBaseCounts();
    Map<String, KeyCount> shown = new HashMap<>();
    hashes.forEach((row, hash) -> {
      if (!known.contains(hash)) {
        boolean foreign = hasCountersOfAnotherKey(row, hash, usedBy);
        if (sheet.unclearCount(row)) {
          LOG.warn(
              "Sheet \"User API Keys\": row {} has no number in Requests or Tokens; the count starts from 0",
              row.number());
        }
        shown.putIfAbsent(
            hash, new KeyCount(foreign ? 0 : row.requests(), foreign ? 0 : row.tokens(), null));
      }
    });
    if (!shown.isEmpty()) {
      book.setBaseCounts(shown);
    }
  }

  /**
   * Whether the row has the counters of another key, because rows moved while they were written.
   */
  private static boolean hasCountersOfAnotherKey(
      ApiKeyRow row, String hash, Map<String, Set<String>> usedBy) {
    Set<String> keys = usedBy.getOrDefault(row.lastUsed(), Set.of());
    return !keys.isEmpty() && !keys.contains(hash);
  }

  /** Maps each present Last Used, and each one written last, to its key. */
  private Map<String, Set<String>> usedBy(Map<String, KeyCount> now) {
    Map<String, Set<String>> keys = new HashMap<>();
    for (Map<String, KeyCount> counts : List.of(written, now)) {
      counts.forEach((hash, count) -> {
        if (count.lastUsed() != null) {
          keys.computeIfAbsent(UsageLine.iso(count.lastUsed()), iso -> new HashSet<>()).add(hash);
        }
      });
    }
    return keys;
  }

  private static void count(
      Target target, ApiKeyRow row, KeyCount count, boolean hasCountersOfAnotherKey) {
    Optional<String> lastUsed = Optional.ofNullable(count.lastUsed()).map(UsageLine::iso);
    if (lastUsed.filter(iso -> !iso.equals(row.lastUsed())).isPresent()) {
      target.write(row.number(), ApiKeySheet.LAST_USED, WorkbookSchema.text(lastUsed.get()));
    } else if (lastUsed.isEmpty() && hasCountersOfAnotherKey) {
      target.write(row.number(), ApiKeySheet.LAST_USED, new CellData());
    }
    long total = Math.min(count.requests(), MOST_SHOWN);
    if (total != row.requests()) {
      target.write(row.number(), ApiKeySheet.REQUESTS, WorkbookSchema.number(total));
    }
    long tokens = Math.min(count.tokens(), MOST_SHOWN);
    if (tokens != row.tokens()) {
      target.write(row.number(), ApiKeySheet.TOKENS, WorkbookSchema.number(tokens));
    }
  }

  private static void clear(Target target, ApiKeyRow row) {
    for (String header : List.of(ApiKeySheet.LAST_USED, ApiKeySheet.REQUESTS, ApiKeySheet.TOKENS)) {
      target.write(row.number(), header, new CellData());
    }
  }

  /** The sheet as it was read, and the changes to it. */
  private record Target(ApiKeySheet sheet, SheetProperties properties, List<Request> requests) {
    /** Writes a cell, unless an administrator has removed the column. */
    void write(int row, String header, CellData cell) {
      int column = sheet.column(header);
      if (column >= 0) {
        requests.add(
            WorkbookSchema.updateCells(properties.getSheetId(), row - 1, column, List.of(cell)));
      }
    }
  }
}
