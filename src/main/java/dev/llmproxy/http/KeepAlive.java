package dev.llmproxy.http;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Sends comments on silent streams, because proxies and clients close silent connections. Any other
 * kind of event breaks some clients of OpenAI's chats; other formats have an event for this. One
 * timer serves all streams.
 *
 * <p>A comment without an empty line after it belongs to the next event. openai-go before v3.43
 * needs this form: it reads a comment and an empty line as an event without data, and stops. A page
 * that splits the stream at empty lines by hand may recognise only events at the beginning of a
 * block, so its comments are blocks of their own.
 */
public final class KeepAlive {
  /** A comment for clients of OpenAI's format. */
  public static final String LINE = ": ping\n";

  /** A comment for pages that parse the stream by hand. */
  public static final String BLOCK = ": ping\n\n";

  private static final long TICK_MILLIS = 1000;

  private final Duration silence;
  private final Set<Reply> streams = ConcurrentHashMap.newKeySet();

  /**
   * @param silence how long a stream may be silent; at least five seconds, because some clients
   *     limit the number of comments
   */
  public KeepAlive(Vertx vertx, Duration silence) {
    this.silence = silence;
    vertx.setPeriodic(TICK_MILLIS, tick -> beat());
  }

  /**
   * Keeps the connection of a stream alive that has not begun. The status of its answer is 200 from
   * its first comment on.
   */
  public void await(Reply stream) {
    if (stream.isAwaited()) {
      streams.add(stream);
    }
  }

  /**
   * Begins a stream unless it has begun, and keeps it alive until it ends.
   *
   * @param ping {@link #LINE} or {@link #BLOCK}
   */
  public void begin(Reply stream, String ping) {
    begin(stream, () -> ping);
  }

  /**
   * Begins a stream of another format; see {@link #begin(Reply, String)}.
   *
   * @param ping gives the event to send when the stream is silent; called by the timer's thread
   */
  public void begin(Reply stream, Supplier<String> ping) {
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
