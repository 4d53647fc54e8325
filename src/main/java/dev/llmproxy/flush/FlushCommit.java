package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/**
 * Commits a round to the workbook exactly once. The route {@code flush-commit} calls the methods in
 * the order of this file. One {@code batchUpdate} contains the round's changes and, for the sheet
 * {@code _sync}, the checkpoint. The workbook applies it as a whole or not at all. Every round
 * reads {@code _sync} first, so it continues from the workbook's checkpoint, whatever the outcome
 * of the previous commit. This class has no state; {@link FlushRound} has all of it.
 */
public final class FlushCommit {
  private final WorkbookSchema schema;
  private final Clock clock;

  /**
   * @param clock the system's clock
   */
  public FlushCommit(WorkbookSchema schema, Clock clock) {
    this.schema = schema;
    this.clock = clock;
  }

  /** The id of the spreadsheet that the round writes to. */
  public String spreadsheetId(@ExchangeProperty("round") FlushRound round) {
    return round.spreadsheetId();
  }

  /**
   * The ranges to read before the commit, in A1 notation: the sheet {@code _sync}, then those of
   * the round.
   *
   * @param spreadsheet the spreadsheet to write to, with the properties of all its sheets
   */
  public List<String> ranges(
      @ExchangeProperty("round") FlushRound round,
      @ExchangeProperty("spreadsheet") Spreadsheet spreadsheet) {
    round.index = schema.index(round.spreadsheetId(), spreadsheet);
    List<String> ranges = new ArrayList<>();
    ranges.add(SheetIndex.range(round.index.present(WorkbookSchema.SYNC_TITLE), null));
    ranges.addAll(round.ranges());
    return ranges;
  }

  /**
   * The batch to commit.
   *
   * @param values the cells of {@link #ranges}
   * @return null when there is nothing to commit in this round
   */
  public BatchUpdateSpreadsheetRequest request(
      @ExchangeProperty("round") FlushRound round, @Body BatchGetValuesResponse values) {
    round.commitWait.answered();
    SyncSheet sync = new SyncSheet(cells(values, 0), round.checkpointName);
    FlushRound.Changes changes = round.changes(sync, values);
    if (changes == null) {
      return null;
    }
    Instant now = clock.instant();
    List<Request> requests = new ArrayList<>(changes.requests());
    FlushRound.Checkpoint checkpoint = changes.checkpoint();
    if (checkpoint != null) {
      int sheetId = round.index.present(WorkbookSchema.SYNC_TITLE).getSheetId();
      requests.addAll(sync.update(sheetId, checkpoint.sequence(), checkpoint.retries(), now));
    }
    round.commitWait.sent(now);
    round.sending = true;
    return new BatchUpdateSpreadsheetRequest().setRequests(requests);
  }

  /** Called when the workbook has acknowledged the commit. */
  public void committed(@ExchangeProperty("round") FlushRound round) {
    round.commitWait.answered();
    round.sending = false;
    round.committed();
  }

  /** The cells of one range, row by row; empty rows at the end are absent. */
  public static List<List<Object>> cells(BatchGetValuesResponse values, int range) {
    List<List<Object>> cells = values.getValueRanges().get(range).getValues();
    return cells == null ? List.of() : cells;
  }
}
