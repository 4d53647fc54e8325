package dev.llmproxy.gate;

import io.github.bucket4j.TimeMeter;
import java.time.Duration;

/** A clock that stands until it is moved. */
final class MovedTimeMeter implements TimeMeter {
  // As System.nanoTime may: it starts below zero and passes it.
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
