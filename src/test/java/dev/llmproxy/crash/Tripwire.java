package dev.llmproxy.crash;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Signals the test that the moment for a kill has come. */
final class Tripwire {
  private static final Duration LONGEST_HOLD = Duration.ofSeconds(2);

  private volatile Wire wire;

  private record Wire(Moment moment, CountDownLatch tripped, CountDownLatch released) {}

  /** Waits for the moment and returns whether it came. Call {@link #release} afterwards. */
  boolean await(Moment moment, Duration atMost) throws InterruptedException {
    Wire next = new Wire(moment, new CountDownLatch(1), new CountDownLatch(1));
    wire = next;
    return next.tripped.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Releases the threads that {@link #tripAndHold} holds. */
  void release() {
    Wire last = wire;
    wire = null;
    if (last != null) {
      last.released.countDown();
    }
  }

  /** Signals that the moment has come. */
  void trip(Moment moment) {
    Wire waiting = wire;
    if (waiting != null && waiting.moment == moment) {
      waiting.tripped.countDown();
    }
  }

  /** Like {@link #trip}, but blocks until the kill; returns whether there was one. */
  boolean tripAndHold(Moment moment) {
    Wire waiting = wire;
    if (waiting == null || waiting.moment != moment) {
      return false;
    }
    waiting.tripped.countDown();
    try {
      return waiting.released.await(LONGEST_HOLD.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
