package dev.llmproxy.app;

import dev.llmproxy.base.LifecycleSettings;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.HttpFront;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The orderly end of a server: it is no longer ready, refuses new requests, lets running ones end,
 * and writes to the workbook what they have used.
 */
final class Drain {
  private static final Logger LOG = LoggerFactory.getLogger(Drain.class);

  /** For the errors of requests that are cut off, and for their records. */
  private static final Duration CUT = Duration.ofSeconds(4);

  /** The most time for the last writes to the workbook. */
  private static final Duration LAST_WRITES = Duration.ofSeconds(6);

  private static final long POLL_MILLIS = 10;

  /** The routes that write what requests leave in the ledger, in the order of their last run. */
  private static final List<String> WRITERS =
      List.of("usage-rollup", "usage-flush", "conversation-flush");

  private final Application application;
  private final HttpFront front;
  private final Supplier<Collection<Generation>> generations;

  /**
   * @param generations those that serve requests; the last one is the newest
   */
  Drain(Application application, HttpFront front, Supplier<Collection<Generation>> generations) {
    this.application = application;
    this.front = front;
    this.generations = generations;
  }

  /** Ends all work. Returns after DRAIN_DELAY_SECONDS, DRAIN_SECONDS and 10 seconds at the most. */
  void run() {
    LifecycleSettings settings = application.values().lifecycle();
    application.beginStop();
    try {
      TimeUnit.NANOSECONDS.sleep(settings.drainDelay().toNanos());
      front.stop();
      if (!await(settings.drain(), this::noneServes)) {
        generations.get().forEach(each -> each.cut(OpenAiErrors.stopping()));
        if (!await(CUT, this::noneServes)) {
          LOG.warn("Requests still run; the next start records them as INTERRUPTED");
        }
      }
      writeAll();
    } catch (InterruptedException e) {
      front.stop();
      Thread.currentThread().interrupt();
    }
  }

  private boolean noneServes() {
    return generations.get().stream().noneMatch(Generation::serves);
  }

  private static boolean await(Duration most, BooleanSupplier condition)
      throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end >= 0) {
        return false;
      }
      Thread.sleep(POLL_MILLIS);
    }
    return true;
  }

  /**
   * Runs the writers a last time. A workbook that does not answer delays the stop a little only.
   */
  private void writeAll() throws InterruptedException {
    application.usageFlush().hurry();
    Thread writing = Thread.ofVirtual().name("last-writes").start(this::runWriters);
    if (!writing.join(LAST_WRITES)) {
      LOG.warn("The workbook is not complete; the next start writes the rest");
    }
  }

  private void runWriters() {
    for (Generation generation : generations.get()) {
      for (String writer : WRITERS) {
        try {
          generation.background().runLast(writer, LAST_WRITES);
        } catch (Exception e) {
          LOG.warn("The last run of {} failed: {}", writer, e.toString());
        }
      }
    }
  }
}
