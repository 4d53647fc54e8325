package dev.llmproxy.flush;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/**
 * When a round of writing may begin. In no minute are there more than allowed. Those that need not
 * follow at once are spaced, so that what is left of the minute's rounds lasts until the next are
 * free: otherwise a steady load would use them up within moments and then stand still. Used by one
 * thread.
 */
final class RoundPace {
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  private final int most;
  private final long interval;
  private final LongSupplier nanos;
  private final Deque<Long> begun = new ArrayDeque<>();

  /**
   * @param most rounds in any minute
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
   * @param atOnce whether it need not be spaced
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

  /** A round begins. */
  void begin() {
    begun.addLast(nanos.getAsLong());
  }
}
