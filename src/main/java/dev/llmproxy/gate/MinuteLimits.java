package dev.llmproxy.gate;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * So many a minute for each name, exactly, in memory. A name's minute begins with the first that it
 * takes; when the minute is over, nothing is remembered of it.
 */
final class MinuteLimits {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final String ALL_OTHERS = "";

  private final TimeMeter clock;
  private final int mostNames;
  private final ConcurrentMap<String, Window> windows = new ConcurrentHashMap<>();
  private final AtomicLong nextSweep;

  /**
   * @param mostNames so many names are told apart within a minute; all others share one limit
   */
  MinuteLimits(int mostNames, TimeMeter clock) {
    this.mostNames = mostNames;
    this.clock = clock;
    nextSweep = new AtomicLong(clock.currentTimeNanos() + MINUTE.toNanos());
  }

  /**
   * Takes one, if there is one left.
   *
   * @param limit so many a minute, at least 1; what was taken stays taken when it changes
   */
  Allowance take(String name, int limit) {
    sweep();
    // Within compute, so that no other thread takes from a window that this one replaces.
    return windows.compute(told(name), (same, window) -> take(window, limit)).last();
  }

  /** Whether the next {@link #take} would be refused. */
  boolean exhausted(String name) {
    Window window = windows.get(told(name));
    return window != null && window.bucket().getAvailableTokens() == 0;
  }

  /** How many names are remembered. */
  int size() {
    return windows.size();
  }

  private String told(String name) {
    return windows.size() < mostNames || windows.containsKey(name) ? name : ALL_OTHERS;
  }

  private Window take(Window window, int limit) {
    Bucket bucket =
        window == null || window.over()
            ? bucket(limit, limit)
            : window.last().limit() == limit
                ? window.bucket()
                : bucket(limit, limit - window.taken());
    ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
    return new Window(
        bucket,
        new Allowance(
            probe.isConsumed(),
            limit,
            probe.getRemainingTokens(),
            Duration.ofNanos(probe.getNanosToWaitForReset())));
  }

  private Bucket bucket(int limit, long left) {
    return Bucket.builder()
        .addLimit(bandwidth ->
            bandwidth
                .capacity(limit)
                .refillIntervally(limit, MINUTE)
                .initialTokens(Math.max(0, left)))
        .withCustomTimePrecision(clock)
        .build();
  }

  /** Once a minute, forgets the names whose minute is over. */
  private void sweep() {
    long now = clock.currentTimeNanos();
    long due = nextSweep.get();
    if (now - due >= 0 && nextSweep.compareAndSet(due, now + MINUTE.toNanos())) {
      windows.values().removeIf(Window::over);
    }
  }

  /** One name's minute: its bucket, and what the last one to ask was told. */
  private record Window(Bucket bucket, Allowance last) {
    /** The bucket is full again. */
    boolean over() {
      return bucket.getAvailableTokens() >= last.limit();
    }

    long taken() {
      return last.limit() - bucket.getAvailableTokens();
    }
  }
}
