package dev.llmproxy.gate;

import io.github.bucket4j.TimeMeter;
import java.time.Duration;

/**
 * Where the use of limits is counted: in the memory of this server, or in Redis for all servers
 * together.
 */
public interface LimitStore extends AutoCloseable {
  /** A store in the memory of this server. */
  static LimitStore inMemory(TimeMeter clock) {
    // No bound of names is needed: only keys of the sheet and allowed people have limits.
    return new LimitStore() {
      @Override
      public Buckets buckets(String kind, Duration window) {
        return new MemoryBuckets(window, Integer.MAX_VALUE, clock);
      }

      @Override
      public Places places() {
        return new MemoryPlaces();
      }
    };
  }

  /**
   * New buckets.
   *
   * @param kind tells them from others of the store
   */
  Buckets buckets(String kind, Duration window);

  Places places();

  /** What requests have reserved of budgets, for the case that this server dies. */
  default Reservations reservations() {
    return Reservations.NONE;
  }

  /** The state of the store for {@code GET /health}; null for a store that cannot fail. */
  default String state() {
    return null;
  }

  @Override
  default void close() {}
}
