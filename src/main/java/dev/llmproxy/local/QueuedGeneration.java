package dev.llmproxy.local;

import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Passes an answer from the thread that computes it to the thread that reads it. */
final class QueuedGeneration implements Generation, Runnable {
  private final int promptTokens;
  private volatile Consumer<QueuedGeneration> writer; // null after close, to free the model
  private final Consumer<QueuedGeneration> onClose;
  private final BlockingQueue<Optional<String>> pieces = new LinkedBlockingQueue<>(); // empty: end
  private final AtomicInteger completionTokens = new AtomicInteger();
  private volatile String finishReason;
  private volatile Throwable failure;
  private Optional<String> head = Optional.empty(); // the reader's; taken by hasNext()
  private boolean ended; // used by the reader

  /**
   * @param writer fills the generation; called by {@link #run}
   * @param onClose called when the generation is closed or complete
   */
  QueuedGeneration(
      int promptTokens, Consumer<QueuedGeneration> writer, Consumer<QueuedGeneration> onClose) {
    this.promptTokens = promptTokens;
    this.writer = writer;
    this.onClose = onClose;
  }

  @Override
  public void run() {
    Consumer<QueuedGeneration> current = writer;
    try {
      if (current != null) {
        current.accept(this);
      }
    } catch (RuntimeException | Error thrown) {
      failure = thrown; // the reader reports it; also an OutOfMemoryError
    } finally {
      close();
    }
  }

  /** Adds a piece, unless it is empty. */
  void add(String piece) {
    if (!piece.isEmpty()) {
      pieces.add(Optional.of(piece));
    }
  }

  /** Counts another token of the answer; returns the number so far. */
  int countToken() {
    return completionTokens.incrementAndGet();
  }

  void finish(String reason) {
    finishReason = reason;
  }

  boolean isClosed() {
    return writer == null;
  }

  @Override
  public boolean hasNext() {
    if (head.isEmpty() && !ended) {
      head = take();
      ended = head.isEmpty();
    }
    if (ended && failure != null) {
      throw new IllegalStateException("The local model failed", failure);
    }
    return !ended;
  }

  @Override
  public String next() {
    if (!hasNext()) {
      throw new NoSuchElementException("The answer has ended");
    }
    String piece = head.orElseThrow();
    head = Optional.empty();
    return piece;
  }

  private Optional<String> take() {
    try {
      return pieces.take();
    } catch (InterruptedException interrupt) {
      close();
      Thread.currentThread().interrupt();
      throw new CancellationException("Interrupted while waiting for the local model");
    }
  }

  @Override
  public int promptTokens() {
    return promptTokens;
  }

  @Override
  public int completionTokens() {
    return completionTokens.get();
  }

  @Override
  public String finishReason() {
    return finishReason;
  }

  @Override
  public void close() {
    writer = null;
    pieces.add(Optional.empty());
    onClose.accept(this);
  }
}
