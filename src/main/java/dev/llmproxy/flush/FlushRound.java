package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.Request;
import dev.llmproxy.workbook.SheetIndex;
import java.util.List;

/**
 * The state of one round of writing, and the changes that the round writes. A route creates it at
 * the beginning of the round and stores it on the exchange as the property {@code round}. {@link
 * FlushCommit} does the commit; a subclass supplies the changes. Used by one thread.
 */
public abstract class FlushRound {
  final String checkpointName;
  final CommitWait commitWait;
  SheetIndex index;
  boolean sending;

  /**
   * @param checkpointName names the payload's row in the sheet {@code _sync}
   * @param commitWait records when a commit of this payload was sent
   */
  protected FlushRound(String checkpointName, CommitWait commitWait) {
    this.checkpointName = checkpointName;
    this.commitWait = commitWait;
  }

  /**
   * The changes of one commit.
   *
   * @param requests the payload's own changes; may be empty
   * @param checkpoint the checkpoint to write with them; null leaves the sheet {@code _sync} as it
   *     is
   */
  public record Changes(List<Request> requests, Checkpoint checkpoint) {}

  /**
   * A place in the order of the ledger.
   *
   * @param sequence the sequence of the last record written
   * @param retries the number of the last record retried; 0 for none
   */
  public record Checkpoint(long sequence, long retries) {}

  /** Whether a commit was sent and its answer has not arrived. */
  public final boolean sending() {
    return sending;
  }

  /** The sheets of the spreadsheet; null before {@link FlushCommit#ranges}. */
  protected final SheetIndex index() {
    return index;
  }

  /** The id of the spreadsheet to write to. */
  protected abstract String spreadsheetId();

  /** The ranges to read besides the sheet {@code _sync}, in A1 notation; may be empty. */
  protected abstract List<String> ranges();

  /**
   * The changes to commit.
   *
   * @param sync the sheet {@code _sync} as it was just read
   * @param values the cells of {@code _sync}, followed by those of {@link #ranges}
   * @return null when there is nothing to commit in this round
   */
  protected abstract Changes changes(SyncSheet sync, BatchGetValuesResponse values);

  /** Called once the workbook has acknowledged the commit. */
  protected abstract void committed();
}
