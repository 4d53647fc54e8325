package dev.llmproxy.flush;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/**
 * Decides when a round of writing may begin. No minute has more rounds than allowed. Rounds that
 * need not follow at once are spaced over the rest of the minute. Otherwise a steady load would use
 * up the minute's rounds within moments and then wait. Used by one thread.
 */
final class RoundPace {
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  private final int most;
  private final long interval;
  private final LongSupplier nanos;
  private final Deque<Long> begun = new ArrayDeque<>();

  /**
   * @param most the largest number of rounds in any minute
   * @param interval between rounds that need not follow at once
   * @param nanos a clock that only goes forward, in nanoseconds
   */
  RoundPace(int most, Duration interval, LongSupplier nanos) {
    this.most = most;
    this.interval = interval.toNanos();
    this.nanos = nanos;
  }

  /**
   * Whether a round may begin now.
   *
   * @param atOnce whether the round follows without spacing
   */
  boolean open(boolean atOnce) {
    long now = nanos.getAsLong();
    while (!begun.isEmpty() && now - begun.getFirst() >= MINUTE) {
      begun.removeFirst();
    }
    int left = most - begun.size();
    if (left <= 0) {
      return false;
    }
    if (atOnce || begun.isEmpty()) {
      return true;
    }
    long last = begun.getLast();
    long untilOneIsFree = begun.getFirst() + MINUTE - last;
    return now - last >= Math.max(interval, untilOneIsFree / (left + 1));
  }

  /** Called when a round begins. */
  void begin() {
    begun.addLast(nanos.getAsLong());
  }
}
