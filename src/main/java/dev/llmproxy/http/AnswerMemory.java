package dev.llmproxy.http;

import dev.llmproxy.error.OpenAiErrors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Limits the memory that large answers of providers take together, so that many of them at once do
 * not exhaust the heap. All counts are estimates. Thread-safe.
 */
public final class AnswerMemory {
  private static final int PART_OF_HEAP = 4;

  /** The first bytes of each answer are not counted: nearly all answers are smaller. */
  private static final long UNCOUNTED_BYTES = 64 << 10;

  /** Memory is reserved in steps of this size. */
  private static final long STEP_BYTES = 64 << 10;

  /** An event takes this many times the memory of the bytes that are sent for it. */
  private static final int MEMORY_OF_SENT = 4;

  private final long most;
  private final AtomicLong taken = new AtomicLong();

  /**
   * @param most bytes that answers may take together
   */
  public AnswerMemory(long most) {
    this.most = most;
  }

  /** A limit of a quarter of the maximum heap. */
  public static AnswerMemory ofHeap() {
    return new AnswerMemory(Runtime.getRuntime().maxMemory() / PART_OF_HEAP);
  }

  /** Opens the share of one call, which must close it. */
  public Share open() {
    return new Share();
  }

  /** Bytes that answers may take together. */
  public long most() {
    return most;
  }

  /** Bytes that are reserved now. */
  public long taken() {
    return taken.get();
  }

  /** The memory of one call's answer. */
  public final class Share implements AutoCloseable {
    private long kept;
    private long passing;
    private long unsent;
    private long reserved;
    private boolean closed;

    private Share() {}

    /**
     * Reserves bytes until the call ends.
     *
     * @throws dev.llmproxy.error.ApiException 503 when the limit is exceeded
     */
    public synchronized void keep(long bytes) {
      kept += bytes;
      reserve();
    }

    /** Like {@link #keep}, for the event that is being processed. */
    public synchronized void pass(long bytes) {
      passing += bytes;
      reserve();
    }

    /**
     * Releases the memory of the event, which has been written. Its bytes stay reserved until the
     * next event is written, because a slow client may not have read them.
     */
    public synchronized void passed() {
      if (passing > 0 || unsent > 0) {
        unsent = passing / MEMORY_OF_SENT;
        passing = 0;
        reserve();
      }
    }

    /** Releases everything; the answer begins once more. */
    public synchronized void forget() {
      kept = 0;
      passing = 0;
      unsent = 0;
      reserve();
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
                "Other answers take up all the memory that this server has for answers. Try again shortly.")
            .asException();
      }
      reserved = steps;
    }
  }
}
