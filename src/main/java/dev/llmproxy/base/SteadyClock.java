package dev.llmproxy.base;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/**
 * A clock that only goes forward, at the same pace whatever is done to the system's: for how long
 * something has taken and how long is to be waited. Its instants begin at what the system's clock
 * said when it was made, and mean nothing to another process; what people read, or a calendar
 * decides, takes the system's clock.
 */
public final class SteadyClock extends Clock {
  private final Instant start = Instant.now();
  private final long startNanos = System.nanoTime();

  @Override
  public Instant instant() {
    return start.plusNanos(System.nanoTime() - startNanos);
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException("UTC only");
  }
}
