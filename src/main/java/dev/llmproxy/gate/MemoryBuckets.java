package dev.llmproxy.gate;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.EstimationProbe;
import io.github.bucket4j.TimeMeter;
import io.github.bucket4j.TokensInheritanceStrategy;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Buckets in the memory of this server. A finished window is forgotten. A bucket is used within a
 * change of its entry in the map, so that no thread takes from a bucket that another one replaces.
 */
final class MemoryBuckets implements Buckets {
  private static final String ALL_OTHERS = "";
  private static final Duration SWEEP = Duration.ofMinutes(1);

  private final Duration window;
  private final int mostNames;
  private final TimeMeter clock;
  private final ConcurrentMap<String, Held> held = new ConcurrentHashMap<>();
  private final AtomicLong nextSweep;

  /**
   * @param mostNames number of names with a count of their own within a window; all others share
   *     one
   */
  MemoryBuckets(Duration window, int mostNames, TimeMeter clock) {
    this.window = window;
    this.mostNames = mostNames;
    this.clock = clock;
    nextSweep = new AtomicLong(clock.currentTimeNanos() + SWEEP.toNanos());
  }

  @Override
  public Allowance take(String name, long limit, long amount, LongSupplier before) {
    if (limit == 0) {
      return new Allowance(false, 0, 0, window, window);
    }
    sweep();
    Allowance[] allowance = new Allowance[1];
    held.compute(
        tracked(name),
        (same, known) -> {
          Held now = current(known, limit, before);
          allowance[0] = take(now, amount);
          return now;
        });
    return allowance[0];
  }

  private static Allowance take(Held now, long amount) {
    ConsumptionProbe probe = now.bucket.tryConsumeAndReturnRemaining(amount);
    return new Allowance(
        probe.isConsumed(),
        now.limit,
        Math.max(0, probe.getRemainingTokens()),
        Duration.ofNanos(probe.getNanosToWaitForRefill()),
        Duration.ofNanos(probe.getNanosToWaitForReset()));
  }

  @Override
  public Allowance look(String name, long limit, long amount, LongSupplier before) {
    Held now = held.get(tracked(name));
    if (limit == 0 || now == null) {
      long left = Math.max(0, limit - (limit == 0 ? 0 : before.getAsLong()));
      return new Allowance(amount <= left, limit, left, Duration.ZERO, Duration.ZERO);
    }
    EstimationProbe probe = now.bucket.estimateAbilityToConsume(Math.min(amount, limit));
    return new Allowance(
        probe.canBeConsumed(),
        limit,
        Math.clamp(probe.getRemainingTokens(), 0, limit),
        Duration.ofNanos(probe.getNanosToWaitForRefill()),
        Duration.ofNanos(now.untilReset()));
  }

  @Override
  public void charge(String name, long amount) {
    change(name, amount, bucket -> bucket.consumeIgnoringRateLimits(amount));
  }

  @Override
  public void giveBack(String name, long amount) {
    change(name, amount, bucket -> bucket.addTokens(amount));
  }

  private void change(String name, long amount, Consumer<Bucket> change) {
    if (amount > 0) {
      held.computeIfPresent(
          tracked(name),
          (same, now) -> {
            change.accept(now.bucket);
            return now;
          });
    }
  }

  @Override
  public void forget(String name) {
    held.remove(name);
  }

  @Override
  public int size() {
    return held.size();
  }

  private String tracked(String name) {
    return held.size() < mostNames || held.containsKey(name) ? name : ALL_OTHERS;
  }

  /** The bucket to take from: a new one when the window is over. */
  private Held current(Held known, long limit, LongSupplier before) {
    if (known == null || known.over()) {
      return new Held(create(limit, before.getAsLong()), limit);
    }
    if (known.limit != limit) {
      change(known.bucket, known.limit, limit, window);
      return new Held(known.bucket, limit);
    }
    return known;
  }

  /** Changes the limit and keeps what was counted: Bucket4j keeps it only for a higher limit. */
  static void change(Bucket bucket, long from, long to, Duration window) {
    long counted = from - bucket.getAvailableTokens();
    bucket.replaceConfiguration(
        BucketConfiguration.builder().addLimit(bandwidth(to, to, window)).build(),
        TokensInheritanceStrategy.AS_IS);
    // A lower limit leaves nothing of this window, but takes nothing from the next one.
    long left = counted <= from ? Math.max(0, to - counted) : to - counted;
    long more = bucket.getAvailableTokens() - left;
    if (more > 0) {
      bucket.consumeIgnoringRateLimits(more);
    } else if (more < 0) {
      bucket.addTokens(-more);
    }
  }

  private Bucket create(long limit, long before) {
    Bucket bucket =
        Bucket.builder()
            .addLimit(bandwidth(limit, Math.max(0, limit - before), window))
            .withCustomTimePrecision(clock)
            .build();
    if (before > limit) {
      bucket.consumeIgnoringRateLimits(before - limit);
    }
    return bucket;
  }

  static Bandwidth bandwidth(long limit, long initial, Duration window) {
    return Bandwidth.builder()
        .capacity(limit)
        .refillIntervally(limit, window)
        .initialTokens(initial)
        .id("limit")
        .build();
  }

  /** Removes the names whose window is over; runs once a minute. */
  private void sweep() {
    long now = clock.currentTimeNanos();
    long due = nextSweep.get();
    if (now - due >= 0 && nextSweep.compareAndSet(due, now + SWEEP.toNanos())) {
      held.values().removeIf(Held::over);
    }
  }

  private record Held(Bucket bucket, long limit) {
    /** Whether the window is over: the bucket is full again. */
    boolean over() {
      return bucket.getAvailableTokens() >= limit;
    }

    long untilReset() {
      return bucket.estimateAbilityToConsume(limit).getNanosToWaitForRefill();
    }
  }
}
