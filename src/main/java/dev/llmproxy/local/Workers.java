package dev.llmproxy.local;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The platform threads for computation: the calling thread and helper threads. */
final class Workers implements AutoCloseable {
  private final int count;
  private final ExecutorService helpers;

  /** Work on the items from … to − 1. */
  @FunctionalInterface
  interface Slice {
    void run(int from, int to);
  }

  /**
   * @param count the number of threads with the calling one, 1 or more
   */
  Workers(int count) {
    this.count = count;
    this.helpers =
        Executors.newFixedThreadPool(
            Math.max(1, count - 1),
            Thread.ofPlatform().name("local-model-helper-", 1).daemon().factory());
  }

  int count() {
    return count;
  }

  /**
   * Divides {@code items} into equal slices, one for each thread, and returns when all are done.
   * The calling thread processes a few items alone, because to wake another thread takes about as
   * long.
   */
  void forSlices(int items, Slice slice) {
    int slices = Math.min(count, Math.max(1, items / 4));
    List<Future<?>> others = new ArrayList<>(slices);
    for (int i = 1; i < slices; i++) {
      int from = items * i / slices;
      int to = items * (i + 1) / slices;
      others.add(helpers.submit(() -> slice.run(from, to)));
    }
    slice.run(0, items / slices);
    for (Future<?> other : others) {
      join(other);
    }
  }

  private static void join(Future<?> future) {
    try {
      future.get();
    } catch (ExecutionException failure) {
      throw new IllegalStateException(failure.getCause());
    } catch (InterruptedException interrupt) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(interrupt);
    }
  }

  @Override
  public void close() {
    helpers.shutdown();
  }
}
