package dev.llmproxy.app;

import dev.llmproxy.error.OpenAiErrors;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of generations that were replaced: their background routes stop before those of the next
 * one start, their requests end or are cut off at a limit, and then they stop.
 */
final class Retirement implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Retirement.class);
  private static final long POLL_MILLIS = 50;

  /** For the errors of requests that are cut off. */
  private static final Duration CUT = Duration.ofSeconds(4);

  private final Duration limit;
  private final List<Generation> serving = new CopyOnWriteArrayList<>();

  /** One after the other: a generation takes over from one that has taken over itself. */
  private final ExecutorService takeovers =
      Executors.newSingleThreadExecutor(Thread.ofVirtual().name("takeover").factory());

  private final ExecutorService ends =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("retirement-", 0).factory());

  /**
   * @param limit how long requests of a replaced generation may go on
   */
  Retirement(Duration limit) {
    this.limit = limit;
  }

  /** The replaced generations that have not stopped. */
  List<Generation> serving() {
    return List.copyOf(serving);
  }

  /**
   * Ends a generation that gets no more requests.
   *
   * @param next its successor, whose background routes have not started
   */
  void retire(Generation before, Generation next) {
    serving.add(before);
    takeovers.execute(() -> {
      try {
        next.background().takeOver(before.background());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      ends.execute(() -> end(before));
    });
  }

  private void end(Generation generation) {
    try {
      if (!await(limit, generation)) {
        LOG.warn("Requests of generation {} run for too long and are cut off", generation.number());
        generation.cut(OpenAiErrors.replaced());
        await(CUT, generation);
      }
      serving.remove(generation);
      generation.close();
      LOG.info("Generation {} of the routes has ended", generation.number());
    } catch (InterruptedException e) {
      // The server stops, and close() stops the generation.
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.warn("Generation {} did not stop", generation.number(), e);
    }
  }

  private static boolean await(Duration most, Generation generation) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (generation.works()) {
      if (System.nanoTime() - end >= 0) {
        return false;
      }
      Thread.sleep(POLL_MILLIS);
    }
    return true;
  }

  /** Stops all replaced generations now. */
  @Override
  public void close() {
    takeovers.shutdownNow();
    ends.shutdownNow();
    for (Generation generation : new ArrayList<>(serving)) {
      generation.close();
    }
    serving.clear();
  }
}
