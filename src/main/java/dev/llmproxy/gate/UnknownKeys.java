package dev.llmproxy.gate;

import dev.llmproxy.call.RequestContext;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.ExchangeProperty;

/**
 * Shares one reading of the sheet among all requests with unknown keys. A key may be new, but
 * strangers must not cause many readings of the workbook. The first request claims a reading. The
 * reading begins at once, or after a pause since the last one. All requests wait for its end, and
 * then their keys are checked. The route keys-unknown reads the sheet.
 */
public final class UnknownKeys {
  private static final Duration PAUSE = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  // A reading that takes longer no longer blocks the next one.
  private static final Duration LONGEST = Duration.ofSeconds(30);
  private static final int MOST_WAITING = 1_000;
  private static final int MOST_INCLUDED = 10_000;

  private final TimeMeter clock;
  private final Duration patience;
  private final int mostWaiting;
  private final Semaphore places;
  private final Set<String> included = new HashSet<>();
  private Reading reading;

  public UnknownKeys(TimeMeter clock) {
    this(clock, PATIENCE, MOST_WAITING);
  }

  UnknownKeys(TimeMeter clock, Duration patience, int mostWaiting) {
    this.clock = clock;
    this.patience = patience;
    this.mostWaiting = mostWaiting;
    places = new Semaphore(mostWaiting);
    reading = new Reading(clock.currentTimeNanos() - PAUSE.toNanos());
    reading.ended.complete(null);
  }

  /**
   * Claims a reading for a request. Returns whether the request must start the route keys-unknown;
   * otherwise another request has claimed a reading, or the last reading has just included this
   * key.
   */
  public boolean claim(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return claim(context.keyHash());
  }

  synchronized boolean claim(String hash) {
    long now = clock.currentTimeNanos();
    boolean over = reading.ended.isDone() || now - reading.begins > LONGEST.toNanos();
    long next = reading.begins + PAUSE.toNanos();
    boolean claimed = over && (now - next >= 0 || !included.contains(hash));
    if (claimed) {
      reading.ended.complete(null);
      reading = new Reading(now - next >= 0 ? now : next);
      included.clear();
    }
    if (included.size() < MOST_INCLUDED) {
      included.add(hash);
    }
    return claimed;
  }

  /** Milliseconds until the claimed reading may begin, at least 0. */
  public synchronized long millisToBeginning() {
    long nanos = reading.begins - clock.currentTimeNanos();
    return Math.max(0, TimeUnit.NANOSECONDS.toMillis(nanos + 999_999));
  }

  /** Ends the claimed reading, whether it succeeded or failed. */
  public synchronized void ended() {
    reading.ended.complete(null);
  }

  /** Waits for the current reading for a few seconds. Returns at once when too many wait. */
  public void await() {
    CompletableFuture<Void> end = current().ended;
    if (end.isDone() || !places.tryAcquire()) {
      return;
    }
    try {
      end.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      // The key is checked against the present directory.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      places.release();
    }
  }

  /** Number of requests that wait now. */
  public int waiting() {
    return mostWaiting - places.availablePermits();
  }

  private synchronized Reading current() {
    return reading;
  }

  private static final class Reading {
    private final long begins;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    Reading(long begins) {
      this.begins = begins;
    }
  }
}
