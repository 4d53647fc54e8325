package dev.llmproxy.flush;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * How long a commit that got no answer is waited for. The ledger keeps when it was sent by the
 * system's clock, for other processes; from then on, or from when this process first sees it, the
 * wait goes by a clock that cannot be set.
 */
public final class CommitWait {
  private final Duration wait;
  private final Clock clock;
  private final Clock steady;
  private Instant sent;
  private Instant over;

  /**
   * @param wait how long the server may still apply what it was sent
   * @param clock the system's
   * @param steady one that only goes forward
   */
  public CommitWait(Duration wait, Clock clock, Clock steady) {
    this.wait = wait;
    this.clock = clock;
    this.steady = steady;
  }

  /** This process sends one, of which the ledger notes this time. */
  public void sent(Instant at) {
    sent = at;
    over = steady.instant().plus(wait);
  }

  /**
   * Whether a commit can no longer be applied.
   *
   * @param at when it was sent, as the ledger has it; null for none, which is over
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

  /** By the system's clock, which may have been set: never more than the whole wait. */
  private Duration left(Instant at) {
    Duration left = Duration.between(clock.instant(), at.plus(wait));
    return left.isNegative() ? Duration.ZERO : left.compareTo(wait) > 0 ? wait : left;
  }
}
