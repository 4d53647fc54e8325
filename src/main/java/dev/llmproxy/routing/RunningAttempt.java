package dev.llmproxy.routing;

import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.CoarseTimer;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An attempt that is under way, with its time limits. They are checked four times a second for all
 * attempts at once. At a limit the answer is closed or, before there is one, the thread that waits
 * for it is interrupted.
 */
final class RunningAttempt {
  private static final Duration CHECKS = Duration.ofMillis(250);
  private static final Set<RunningAttempt> LIMITED = ConcurrentHashMap.newKeySet();

  static {
    CoarseTimer.after(CHECKS, RunningAttempt::check);
  }

  private final Thread thread = Thread.currentThread();
  private final long began = System.nanoTime();
  private final String provider;
  private final Duration firstContent;
  private final Duration total;
  private final boolean limited;
  private boolean told;
  private boolean heard;
  private boolean over;
  private ChatEvents events;
  private volatile ApiError late;

  /**
   * @param provider its name, for errors
   * @param firstContent limit for the time until the first content; empty for none
   * @param total limit for the time of the whole answer; empty for none
   */
  RunningAttempt(String provider, Optional<Duration> firstContent, Optional<Duration> total) {
    this.provider = provider;
    this.firstContent = firstContent.orElse(null);
    this.total = total.orElse(null);
    limited = firstContent.isPresent() || total.isPresent();
    if (limited) {
      LIMITED.add(this);
    }
  }

  /** The time since it began. */
  Duration time() {
    return Duration.ofNanos(System.nanoTime() - began);
  }

  /** Whether nobody was told yet that it has ended. Only the request's thread calls this. */
  boolean tell() {
    boolean first = !told;
    told = true;
    return first;
  }

  /** The provider has accepted the request; from now on a limit closes these events. */
  void listen(ChatEvents answer) {
    if (limited) {
      listenWithLimit(answer);
    }
  }

  private synchronized void listenWithLimit(ChatEvents answer) {
    events = answer;
    if (late != null) {
      answer.close();
    }
  }

  /** The first content has arrived. */
  void hear() {
    if (limited) {
      heardContent();
    }
  }

  private synchronized void heardContent() {
    heard = true;
  }

  /** Ends it. A limit has no effect from now on. */
  void end() {
    if (limited) {
      LIMITED.remove(this);
      endWithLimit();
    }
  }

  private synchronized void endWithLimit() {
    over = true;
  }

  /** The error when a limit has ended it, else null. */
  ApiError late() {
    return late;
  }

  private static void check() {
    try {
      LIMITED.forEach(RunningAttempt::checkTime);
    } finally {
      CoarseTimer.after(CHECKS, RunningAttempt::check);
    }
  }

  private synchronized void checkTime() {
    if (over || late != null) {
      return;
    }
    Duration time = time();
    if (total != null && time.compareTo(total) >= 0) {
      late =
          OpenAiErrors.upstreamTimeout(
              "The answer of the provider `%s` was not complete after %d seconds (PROVIDER_TOTAL_SECONDS)."
                  .formatted(provider, total.toSeconds()));
    } else if (firstContent != null && !heard && time.compareTo(firstContent) >= 0) {
      late =
          OpenAiErrors.upstreamTimeout(
              "The provider `%s` had not begun to answer after %d seconds (PROVIDER_FIRST_TOKEN_SECONDS)."
                  .formatted(provider, firstContent.toSeconds()));
    } else {
      return;
    }
    LIMITED.remove(this);
    if (events == null) {
      thread.interrupt();
    } else {
      events.close();
    }
  }
}
