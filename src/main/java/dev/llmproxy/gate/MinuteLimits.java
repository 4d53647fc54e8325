package dev.llmproxy.gate;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Fixed window: at most N requests a minute per name, exact and in memory. A name's minute begins
 * with its first request. A finished minute is forgotten.
 */
final class MinuteLimits {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final String ALL_OTHERS = "";

  private final TimeMeter clock;
  private final int mostNames;
  private final ConcurrentMap<String, Window> windows = new ConcurrentHashMap<>();
  private final AtomicLong nextSweep;

  /**
   * @param mostNames number of names with a limit of their own within a minute; all others share
   *     one limit
   */
  MinuteLimits(int mostNames, TimeMeter clock) {
    this.mostNames = mostNames;
    this.clock = clock;
    nextSweep = new AtomicLong(clock.currentTimeNanos() + MINUTE.toNanos());
  }

  /**
   * Counts a request, if one is left.
   *
   * @param limit requests a minute, at least 1; when it changes, the requests of this minute still
   *     count
   */
  Allowance take(String name, int limit) {
    sweep();
    // Inside compute, so that no other thread takes from a window that this one replaces.
    return windows.compute(tracked(name), (same, window) -> take(window, limit)).last();
  }

  /** Whether the next {@link #take} would be refused. */
  boolean exhausted(String name) {
    Window window = windows.get(tracked(name));
    return window != null && window.bucket().getAvailableTokens() == 0;
  }

  /** Number of names in memory. */
  int size() {
    return windows.size();
  }

  private String tracked(String name) {
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

  /** Removes the names whose minute is over; runs once a minute. */
  private void sweep() {
    long now = clock.currentTimeNanos();
    long due = nextSweep.get();
    if (now - due >= 0 && nextSweep.compareAndSet(due, now + MINUTE.toNanos())) {
      windows.values().removeIf(Window::over);
    }
  }

  /** One name's minute: its bucket and the last allowance. */
  private record Window(Bucket bucket, Allowance last) {
    /** Whether the minute is over: the bucket is full again. */
    boolean over() {
      return bucket.getAvailableTokens() >= last.limit();
    }

    long taken() {
      return last.limit() - bucket.getAvailableTokens();
    }
  }
}
