package dev.llmproxy.http;

import dev.llmproxy.error.OpenAiErrors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that large answers of providers may take together, so that many of them at once do not
 * end the process. What it counts are estimates. Thread-safe.
 */
public final class AnswerMemory {
  private static final int PART_OF_HEAP = 4;

  /** So much of each answer is not counted: nearly all have less. */
  private static final long UNCOUNTED_BYTES = 64 << 10;

  /** What is taken at once. */
  private static final long STEP_BYTES = 64 << 10;

  /** A piece takes so many times what is sent of it. */
  private static final int MEMORY_OF_SENT = 4;

  private final long most;
  private final AtomicLong taken = new AtomicLong();

  /**
   * @param most bytes that answers may take together
   */
  public AnswerMemory(long most) {
    this.most = most;
  }

  /** A quarter of the heap that this process may have. */
  public static AnswerMemory ofHeap() {
    return new AnswerMemory(Runtime.getRuntime().maxMemory() / PART_OF_HEAP);
  }

  /** That of one call, which has to close it. */
  public Share open() {
    return new Share();
  }

  /** Bytes that are taken now. */
  public long taken() {
    return taken.get();
  }

  /** What one call takes of it. */
  public final class Share implements AutoCloseable {
    private long kept;
    private long passing;
    private long unsent;
    private long reserved;
    private boolean closed;

    private Share() {}

    /**
     * Takes bytes that stay until the call is over.
     *
     * @throws dev.llmproxy.error.ApiException 503 when there are not so many left
     */
    public synchronized void keep(long bytes) {
      kept += bytes;
      reserve();
    }

    /** As {@link #keep}, for the piece of the answer that is under way. */
    public synchronized void pass(long bytes) {
      passing += bytes;
      reserve();
    }

    /**
     * The piece of the answer that was under way has been written. Until the next one is, what is
     * sent of it may wait for a client that reads slowly.
     */
    public synchronized void passed() {
      if (passing > 0 || unsent > 0) {
        unsent = passing / MEMORY_OF_SENT;
        passing = 0;
        reserve();
      }
    }

    @Override
    public synchronized void close() {
      closed = true;
      taken.addAndGet(-reserved);
      reserved = 0;
    }

    private void reserve() {
      long needed = closed ? 0 : Math.max(0, kept + passing + unsent - UNCOUNTED_BYTES);
      long steps = Math.ceilDiv(needed, STEP_BYTES) * STEP_BYTES;
      if (steps == reserved) {
        return;
      }
      long more = steps - reserved;
      if (taken.addAndGet(more) > most && more > 0) {
        taken.addAndGet(-more);
        throw OpenAiErrors.unavailable(
                "The answers that are under way take all the memory that this server has for them. Try again shortly.")
            .asException();
      }
      reserved = steps;
    }
  }
}
