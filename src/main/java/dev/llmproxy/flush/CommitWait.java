package dev.llmproxy.flush;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;

/**
 * How long to wait for a commit that got no answer. The ledger stores when the commit was sent by
 * the system's clock, for other processes. The wait itself starts when the commit is sent, or when
 * this process first sees it, and is measured by a clock that cannot be set. Shared by all rounds.
 */
public final class CommitWait {
  private final Duration wait;
  private final Consumer<Instant> note;
  private final Clock clock;
  private final Clock steady;
  private Instant sent;
  private Instant over;

  /**
   * @param wait how long the workbook may still apply a commit after it was sent
   * @param note stores in the ledger when a commit was sent; null when none is open
   * @param clock the system's clock
   * @param steady a clock that only goes forward
   */
  public CommitWait(Duration wait, Consumer<Instant> note, Clock clock, Clock steady) {
    this.wait = wait;
    this.note = note;
    this.clock = clock;
    this.steady = steady;
  }

  /** This process is about to send a commit; returns once the ledger has stored that. */
  public void sent(Instant at) {
    sent = at;
    over = steady.instant().plus(wait);
    note.accept(at);
  }

  /** The workbook has answered the commit, or can no longer apply it. */
  public void answered() {
    note.accept(null);
  }

  /**
   * Whether the workbook can no longer apply the commit.
   *
   * @param at when the commit was sent, according to the ledger; null for none, which gives true
   */
  public boolean over(Instant at) {
    if (at == null) {
      return true;
    }
    if (sent == null || at.toEpochMilli() != sent.toEpochMilli()) {
      sent = at;
      over = steady.instant().plus(left(at));
    }
    return !steady.instant().isBefore(over);
  }

  /** The system's clock may have been set, so the result is never more than the whole wait. */
  private Duration left(Instant at) {
    Duration left = Duration.between(clock.instant(), at.plus(wait));
    return left.isNegative() ? Duration.ZERO : left.compareTo(wait) > 0 ? wait : left;
  }
}
