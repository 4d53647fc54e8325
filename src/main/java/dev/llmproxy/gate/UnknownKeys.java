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
 * One reading of the sheet for all the unknown keys that come meanwhile: a key may have been made a
 * moment ago, but strangers must not hammer the workbook. The first to ask claims a reading, which
 * begins at once or when the pause after the last one is over; all wait for its end and are judged
 * by it. The route keys-unknown reads.
 */
public final class UnknownKeys {
  private static final Duration PAUSE = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  // A reading that takes longer no longer keeps others from trying; whatever became of it.
  private static final Duration LONGEST = Duration.ofSeconds(30);
  private static final int MOST_WAITING = 1_000;
  private static final int MOST_JUDGED = 10_000;

  private final TimeMeter clock;
  private final Duration patience;
  private final int mostWaiting;
  private final Semaphore places;
  private final Set<String> judged = new HashSet<>();
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
   * Whether the asker is to have the sheet read now, by the route keys-unknown; otherwise somebody
   * else has, or the last reading has just judged this very key.
   */
  public boolean claim(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return claim(context.keyHash());
  }

  synchronized boolean claim(String hash) {
    long now = clock.currentTimeNanos();
    boolean over = reading.ended.isDone() || now - reading.begins > LONGEST.toNanos();
    long next = reading.begins + PAUSE.toNanos();
    boolean claimed = over && (now - next >= 0 || !judged.contains(hash));
    if (claimed) {
      reading.ended.complete(null);
      reading = new Reading(now - next >= 0 ? now : next);
      judged.clear();
    }
    if (judged.size() < MOST_JUDGED) {
      judged.add(hash);
    }
    return claimed;
  }

  /** Milliseconds until the claimed reading may begin, at least 0. */
  public synchronized long millisToBeginning() {
    long nanos = reading.begins - clock.currentTimeNanos();
    return Math.max(0, TimeUnit.NANOSECONDS.toMillis(nanos + 999_999));
  }

  /** The claimed reading is over, whether it came to something or not. */
  public synchronized void ended() {
    reading.ended.complete(null);
  }

  /** Waits for the reading under way, if there is one: a few seconds, and not with too many. */
  public void await() {
    CompletableFuture<Void> end = current().ended;
    if (end.isDone() || !places.tryAcquire()) {
      return;
    }
    try {
      end.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      // The key is judged by what is known.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      places.release();
    }
  }

  /** How many wait now. */
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
