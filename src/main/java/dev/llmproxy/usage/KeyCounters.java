package dev.llmproxy.usage;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.Request;
import dev.llmproxy.gate.ApiKey;
import dev.llmproxy.usage.FlushBook.KeyCount;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.WorkbookSchema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.camel.Body;

/**
 * Keeps Last Used, Requests and Tokens of the sheet {@code User API Keys} equal to the ledger's
 * sums. They are written as whole values, never as read plus one, so that writing them twice does
 * no harm; and because an administrator may sort the sheet between reading and writing, they are
 * read again until nothing differs.
 */
public final class KeyCounters {
  // A spreadsheet keeps fifteen digits; a number of more would never read back as it was written.
  private static final long MOST_SHOWN = 999_999_999_999_999L;

  private final FlushBook book;
  private final WorkbookSchema schema;
  private Map<String, KeyCount> written = Map.of();
  private boolean due = true;
  private boolean lookedOnce;

  KeyCounters(FlushBook book, WorkbookSchema schema) {
    this.book = book;
    this.schema = schema;
  }

  /** Whether the sheet may differ from the ledger. */
  public boolean due() {
    return due;
  }

  /** Says that it may. */
  void setDue() {
    due = true;
  }

  /** Says that another server may have written to the sheet. */
  void takeOver() {
    due = true;
    lookedOnce = false;
  }

  /** Whether the sheet has been read since this server writes to it. */
  boolean lookedOnce() {
    return lookedOnce;
  }

  /** The range of the whole sheet. */
  public List<String> ranges() {
    return List.of(schema.keysRange());
  }

  /**
   * What makes the sheet equal to the ledger.
   *
   * @param values the cells of the sheet
   * @return null when it is
   */
  public BatchUpdateSpreadsheetRequest update(@Body BatchGetValuesResponse values) {
    ApiKeySheet sheet = new ApiKeySheet(UsageFlush.cells(values, 0));
    Map<ApiKeyRow, String> hashes = new HashMap<>();
    for (ApiKeyRow row : sheet.rows()) {
      ApiKey.hashOfCell(row.apiKey()).ifPresent(hash -> hashes.put(row, hash));
    }
    Map<String, Set<String>> usedBy = usedBy(book.keyCounts());
    takeOver(hashes, usedBy);
    Map<String, KeyCount> counts = book.keyCounts();
    List<Request> requests = new ArrayList<>();
    for (ApiKeyRow row : sheet.rows()) {
      String hash = hashes.get(row);
      if (hash != null) {
        count(requests, sheet, row, counts.get(hash), astray(row, hash, usedBy));
      } else if (row.apiKey().isBlank() && row.email().isBlank() && astray(row, "", usedBy)) {
        clear(requests, sheet, row);
      }
    }
    lookedOnce = true;
    due = !requests.isEmpty();
    written = counts;
    return due ? new BatchUpdateSpreadsheetRequest().setRequests(requests) : null;
  }

  /** What stands in the sheet when a key is first seen is where its counters start. */
  private void takeOver(Map<ApiKeyRow, String> hashes, Map<String, Set<String>> usedBy) {
    Set<String> known = book.keysTakenOver();
    Map<String, KeyCount> shown = new HashMap<>();
    hashes.forEach((row, hash) -> {
      if (!known.contains(hash)) {
        boolean foreign = astray(row, hash, usedBy);
        shown.putIfAbsent(
            hash, new KeyCount(foreign ? 0 : row.requests(), foreign ? 0 : row.tokens(), null));
      }
    });
    if (!shown.isEmpty()) {
      book.takeOver(shown);
    }
  }

  /** Whether the row got counters that are another key's, because rows moved while they came. */
  private static boolean astray(ApiKeyRow row, String hash, Map<String, Set<String>> usedBy) {
    Set<String> keys = usedBy.getOrDefault(row.lastUsed(), Set.of());
    return !keys.isEmpty() && !keys.contains(hash);
  }

  /** Each Last Used of now, and that was written last → whose it is. */
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

  private void count(
      List<Request> requests, ApiKeySheet sheet, ApiKeyRow row, KeyCount count, boolean astray) {
    Optional<String> lastUsed = Optional.ofNullable(count.lastUsed()).map(UsageLine::iso);
    if (lastUsed.filter(iso -> !iso.equals(row.lastUsed())).isPresent()) {
      write(requests, sheet, row, ApiKeySheet.LAST_USED, WorkbookSchema.text(lastUsed.get()));
    } else if (lastUsed.isEmpty() && astray) {
      write(requests, sheet, row, ApiKeySheet.LAST_USED, new CellData());
    }
    long total = Math.min(count.requests(), MOST_SHOWN);
    if (total != row.requests()) {
      write(requests, sheet, row, ApiKeySheet.REQUESTS, WorkbookSchema.number(total));
    }
    long tokens = Math.min(count.tokens(), MOST_SHOWN);
    if (tokens != row.tokens()) {
      write(requests, sheet, row, ApiKeySheet.TOKENS, WorkbookSchema.number(tokens));
    }
  }

  private void clear(List<Request> requests, ApiKeySheet sheet, ApiKeyRow row) {
    for (String header : List.of(ApiKeySheet.LAST_USED, ApiKeySheet.REQUESTS, ApiKeySheet.TOKENS)) {
      write(requests, sheet, row, header, new CellData());
    }
  }

  /** A column that an administrator has removed is not brought back. */
  private void write(
      List<Request> requests, ApiKeySheet sheet, ApiKeyRow row, String header, CellData cell) {
    int column = sheet.column(header);
    if (column >= 0) {
      requests.add(
          WorkbookSchema.updateCells(
              schema.keysSheet().getSheetId(), row.number() - 1, column, List.of(cell)));
    }
  }
}
