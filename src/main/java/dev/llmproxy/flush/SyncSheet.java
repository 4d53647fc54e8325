package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.Request;
import dev.llmproxy.workbook.WorkbookException;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The cells of the sheet {@code _sync}. Each ledger has two rows: one with the sequence up to which
 * its records are in this spreadsheet, and one with the number of the last retried record.
 */
public final class SyncSheet {
  private static final String RETRIES = " retries";

  private final List<List<Object>> cells;
  private final String ledgerId;

  public SyncSheet(List<List<Object>> cells, String ledgerId) {
    this.cells = cells;
    this.ledgerId = ledgerId;
  }

  /**
   * The sequence; empty when this ledger has no row.
   *
   * @throws WorkbookException when the row has been edited and has no sequence
   */
  public OptionalLong checkpoint() {
    return number(ledgerId);
  }

  /** The retry number; empty when there is none. */
  OptionalLong retries() {
    return number(ledgerId + RETRIES);
  }

  /** The requests that write the new checkpoint. */
  public List<Request> update(int sheetId, long checkpoint, long retries, Instant now) {
    List<Request> requests = new ArrayList<>();
    requests.add(row(sheetId, ledgerId, checkpoint, now));
    if (retries > 0) {
      requests.add(row(sheetId, ledgerId + RETRIES, retries, now));
    }
    return requests;
  }

  private Request row(int sheetId, String name, long number, Instant now) {
    List<CellData> row =
        List.of(
            WorkbookSchema.text(name),
            WorkbookSchema.number(number),
            WorkbookSchema.text(UsageLine.iso(now)));
    for (int i = 0; i < cells.size(); i++) {
      if (named(cells.get(i), name)) {
        return WorkbookSchema.updateCells(sheetId, i, 0, row);
      }
    }
    return WorkbookSchema.appendRows(sheetId, List.of(WorkbookSchema.row(row)));
  }

  /**
   * The highest number of the rows: an administrator's sorting between reading and writing may have
   * left two rows.
   */
  private OptionalLong number(String name) {
    return cells.stream().filter(row -> named(row, name)).mapToLong(this::number).max();
  }

  private long number(List<Object> row) {
    if (row.size() > 1 && row.get(1) instanceof Number number) {
      return number.longValue();
    }
    throw new WorkbookException(
        "The sheet \"_sync\" has been edited: the row of this ledger has no sequence. Nothing is written until it"
            + " has again, or the row is deleted.");
  }

  private static boolean named(List<Object> row, String name) {
    return !row.isEmpty() && name.equals(row.get(0));
  }
}
