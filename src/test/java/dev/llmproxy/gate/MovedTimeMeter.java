package dev.llmproxy.gate;

import io.github.bucket4j.TimeMeter;
import java.time.Duration;

/** A clock that the test moves. */
final class MovedTimeMeter implements TimeMeter {
  // Starts below zero and passes it, as System.nanoTime may.
  private long nanos = -Duration.ofMinutes(1).toNanos();

  void move(Duration by) {
    nanos += by.toNanos();
  }

  @Override
  public long currentTimeNanos() {
    return nanos;
  }

  @Override
  public boolean isWallClockBased() {
    return false;
  }
}
