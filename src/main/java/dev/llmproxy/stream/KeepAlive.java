package dev.llmproxy.stream;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps silent streams alive: proxies and clients give up on a connection that says nothing. Uses
 * comments, because every other form of event kills clients. One timer serves all streams.
 */
public final class KeepAlive {
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

  /** Begins a stream that has not begun yet, and watches over it until it ends. */
  void begin(Reply stream) {
    if (!stream.begun()) {
      stream.beginStream();
      streams.add(stream);
    }
  }

  private void beat() {
    streams.removeIf(Reply::over);
    streams.forEach(stream -> stream.keepAlive(silence));
  }
}
