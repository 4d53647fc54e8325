package dev.llmproxy.workbook;

import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/**
 * When sheets were last read or written, and when and why that last failed, since the start of this
 * server.
 */
public final class SyncTimes {
  private final Clock clock;
  private volatile Instant succeeded;
  private volatile Failure failure;

  /**
   * A failed try.
   *
   * @param why the reason, for an operator
   */
  public record Failure(Instant at, String why) {}

  /**
   * @param clock the time of day
   */
  public SyncTimes(Clock clock) {
    this.clock = clock;
  }

  /** Notes that the sheets were read or written just now. */
  public void succeeded() {
    succeeded = clock.instant();
  }

  /** Notes that a try has failed just now. */
  public void failed(String why) {
    failure = new Failure(clock.instant(), why);
  }

  /** When the last try succeeded; empty for never. */
  public Optional<Instant> success() {
    return Optional.ofNullable(succeeded);
  }

  /** The last failed try, however long ago; empty for none. */
  public Optional<Failure> failure() {
    return Optional.ofNullable(failure);
  }
}
