package dev.llmproxy.flush;

import java.time.Duration;
import java.time.Instant;

/**
 * How the flush to the workbook stands, for a health page.
 *
 * @param state what it does now
 * @param problem why it does not write, for an operator; null when it does
 * @param nextTry when it tries again; null when it writes
 * @param waiting how many records the ledger has that the workbook has not
 * @param behind for how long the oldest of them has been in the ledger
 * @param parked how many records the workbook refuses
 */
public record FlushStatus(
    State state, String problem, Instant nextTry, long waiting, Duration behind, long parked) {

  /** What the flush does. */
  public enum State {
    /** It writes. */
    WRITING,
    /** The last try failed; it tries again soon. */
    WAITING,
    /** The workbook refuses the server: somebody has to do something. It looks now and then. */
    REFUSED
  }
}
