package dev.llmproxy.http;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Limits the memory that all request bodies take together, in bytes. Without the limit a few large
 * bodies at once exhaust the heap.
 */
public final class BodyBudget {
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
   * A budget as set by BODY_MEMORY_MB.
   *
   * @param bytes 0 for a third of the heap
   */
  public static BodyBudget of(long bytes) {
    return new BodyBudget(bytes == 0 ? Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP : bytes);
  }

  /** Whether this many bytes are free now. */
  boolean has(long bytes) {
    return free.get() >= bytes;
  }

  /** Whether this many bytes fit into the budget when nothing else is taken. */
  boolean holds(long bytes) {
    return most >= bytes;
  }

  /** Bytes that bodies may take together. */
  public long most() {
    return most;
  }

  /** Free bytes. */
  public long free() {
    return free.get();
  }

  /** Opens the share of one request; it is empty at first. */
  Hold hold() {
    return new Hold();
  }

  /** The share of one request. Thread-safe. */
  public final class Hold implements AutoCloseable {
    private long held;
    private boolean closed;

    /** Takes more bytes. Returns false and takes nothing when they are not free. */
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

    /** Shrinks the share to at most this many bytes. */
    public synchronized void shrink(long bytes) {
      if (held > bytes) {
        free.addAndGet(held - bytes);
        held = bytes;
      }
    }

    /**
     * Gives all bytes back. Later calls of {@link #take} fail; further calls of this do nothing.
     */
    @Override
    public synchronized void close() {
      closed = true;
      free.addAndGet(held);
      held = 0;
    }
  }
}
