package dev.llmproxy.http;

import io.netty.util.HashedWheelTimer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Runs short tasks after a delay, up to a tenth of a second late. Setting a task wakes no thread,
 * in contrast to Java's own timers, which wake theirs for each timed wait of a virtual thread too.
 */
public final class CoarseTimer {
  private static final HashedWheelTimer WHEEL =
      new HashedWheelTimer(
          Thread.ofPlatform().name("coarse-timer").daemon().factory(),
          50,
          TimeUnit.MILLISECONDS,
          512,
          false);

  private CoarseTimer() {}

  /** Runs a task that does not block; an exception is logged. */
  public static void after(Duration delay, Runnable task) {
    var unused = WHEEL.newTimeout(due -> task.run(), delay.toNanos(), TimeUnit.NANOSECONDS);
  }
}
