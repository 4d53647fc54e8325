package dev.llmproxy.http;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps silent streams alive: proxies and clients give up on a connection that says nothing. Uses
 * comments, because every other form of event kills clients. One timer serves all streams.
 *
 * <p>A comment without an empty line after it belongs to the event that comes next, as the format
 * has it: openai-go before v3.43 takes a comment and an empty line for an event without data, and
 * ends. A page that looks for events between empty lines by hand may find only those that begin a
 * block, so that its comments are blocks of their own.
 */
public final class KeepAlive {
  /** A comment for clients of OpenAI's format. */
  public static final String LINE = ": ping\n";

  /** A comment for pages that take a stream apart by hand. */
  public static final String BLOCK = ": ping\n\n";

  private static final long TICK_MILLIS = 1000;

  private final Duration silence;
  private final Set<Reply> streams = ConcurrentHashMap.newKeySet();

  /**
   * @param silence how long a stream may be silent; five seconds or more, because there are clients
   *     that count comments
   */
  public KeepAlive(Vertx vertx, Duration silence) {
    this.silence = silence;
    vertx.setPeriodic(TICK_MILLIS, tick -> beat());
  }

  /**
   * Begins a stream that has not begun yet, and watches over it until it ends.
   *
   * @param ping {@link #LINE} or {@link #BLOCK}
   */
  public void begin(Reply stream, String ping) {
    if (!stream.begun()) {
      stream.beginStream(ping);
      streams.add(stream);
    }
  }

  private void beat() {
    streams.removeIf(Reply::over);
    streams.forEach(stream -> stream.keepAlive(silence));
  }
}
