package dev.llmproxy.provider;

import dev.llmproxy.http.CoarseTimer;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A socket whose time limit for reading is checked four times a second for all sockets at once. A
 * socket's own limit makes each read of a virtual thread start and cancel a timer, which wakes
 * another thread twice. A read that takes too long closes the socket; with a socket's own limit the
 * HTTP client does so.
 */
final class WatchedSocket extends Socket {
  /** Shorter limits are the socket's own: the HTTP client looks for one that has been closed. */
  private static final int LEAST_WATCHED_MILLIS = 1000;

  private static final Duration CHECKS = Duration.ofMillis(250);
  private static final long NOT_READING = 0;
  private static final String TIMED_OUT = "Read timed out";
  private static final Set<WatchedSocket> OPEN = ConcurrentHashMap.newKeySet();

  static {
    CoarseTimer.after(CHECKS, WatchedSocket::check);
  }

  private volatile long readingSince = NOT_READING;
  private volatile int limitMillis;
  private volatile int ownMillis;
  private volatile boolean late;

  private WatchedSocket() {}

  private WatchedSocket(Proxy proxy) {
    super(proxy);
  }

  /**
   * A socket that is not connected.
   *
   * @param proxy a SOCKS proxy, or null
   */
  static WatchedSocket create(Proxy proxy) {
    return proxy == null ? new WatchedSocket() : new WatchedSocket(proxy);
  }

  @Override
  public void setSoTimeout(int millis) throws SocketException {
    int own = millis < LEAST_WATCHED_MILLIS ? millis : 0;
    if (own != ownMillis) {
      super.setSoTimeout(own);
      ownMillis = own;
    }
    limitMillis = millis;
  }

  @Override
  public int getSoTimeout() {
    return limitMillis;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    InputStream input = super.getInputStream();
    OPEN.add(this);
    return new FilterInputStream(input) {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        readingSince = System.nanoTime() | 1;
        try {
          int read = in.read(bytes, offset, length);
          if (late) {
            // Closing a socket first ends its output. The provider may answer that before the
            // read ends, and nothing may use the connection again.
            throw new SocketTimeoutException(TIMED_OUT);
          }
          return read;
        } catch (SocketException e) {
          if (late) {
            SocketTimeoutException timeout = new SocketTimeoutException(TIMED_OUT);
            timeout.initCause(e);
            throw timeout;
          }
          throw e;
        } finally {
          readingSince = NOT_READING;
        }
      }
    };
  }

  @Override
  public void close() throws IOException {
    OPEN.remove(this);
    super.close();
  }

  private static void check() {
    try {
      long now = System.nanoTime();
      OPEN.forEach(socket -> socket.check(now));
    } finally {
      CoarseTimer.after(CHECKS, WatchedSocket::check);
    }
  }

  private void check(long now) {
    long since = readingSince;
    long limit = TimeUnit.MILLISECONDS.toNanos(limitMillis);
    if (since == NOT_READING || ownMillis > 0 || limit == 0 || now - since < limit) {
      return;
    }
    late = true;
    try {
      close();
    } catch (IOException e) {
      // The read ends all the same.
    }
  }
}
