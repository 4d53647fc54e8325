package dev.llmproxy.http;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that the bodies of all requests may take at once, in bytes. Without it a few large
 * ones that come together end the process.
 */
public final class BodyBudget {
  private static final long MEGABYTE = 1 << 20;
  private static final int SHARE_OF_HEAP = 3;

  private final long most;
  private final AtomicLong free;

  /**
   * @param most bytes in all
   */
  public BodyBudget(long most) {
    this.most = most;
    free = new AtomicLong(most);
  }

  /**
   * The budget that a setting gives.
   *
   * @param megabytes 0 for a third of the heap
   */
  public static BodyBudget of(int megabytes) {
    return new BodyBudget(
        megabytes == 0 ? Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP : megabytes * MEGABYTE);
  }

  /** Whether so many bytes could be had now. */
  boolean has(long bytes) {
    return free.get() >= bytes;
  }

  /** Whether so many bytes could be had if nobody else had any. */
  boolean holds(long bytes) {
    return most >= bytes;
  }

  /** What is not taken, in bytes. */
  public long free() {
    return free.get();
  }

  /** Begins the share of a request, which has nothing yet. */
  Hold hold() {
    return new Hold();
  }

  /** The share of one request. Used by one thread at a time, and by any. */
  public final class Hold implements AutoCloseable {
    private long held;
    private boolean closed;

    /** Takes so many bytes more; false, and nothing is taken, when they are not to be had. */
    synchronized boolean take(long bytes) {
      if (closed) {
        return false;
      }
      if (free.addAndGet(-bytes) < 0) {
        free.addAndGet(bytes);
        return false;
      }
      held += bytes;
      return true;
    }

    /** Gives back what is more than so many bytes. */
    public synchronized void shrink(long bytes) {
      if (held > bytes) {
        free.addAndGet(held - bytes);
        held = bytes;
      }
    }

    /** Gives everything back, and takes no more; twice is fine. */
    @Override
    public synchronized void close() {
      closed = true;
      free.addAndGet(held);
      held = 0;
    }
  }
}
