package dev.llmproxy.emulator;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A provider on loopback that answers with given bytes, including the status line and headers, and
 * closes the connection after each answer. For one request at a time.
 */
public final class PlayedProvider implements AutoCloseable {
  /** Writes a whole answer. */
  public interface Performance {
    /** Writes the answer. Returns whether the connection stays open for the next request. */
    boolean play(OutputStream out) throws IOException;
  }

  private final LoopbackServer server;
  private final Queue<Performance> next = new ArrayDeque<>();
  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger hungUp = new AtomicInteger();
  private final AtomicInteger underWay = new AtomicInteger();
  private Performance last = out -> false;
  private volatile String lastBody = "";
  private volatile Map<String, String> lastHeaders = Map.of();

  private PlayedProvider() {
    server = LoopbackServer.start(this::serve);
  }

  /** Starts on a free port. Without answers it closes every connection. */
  public static PlayedProvider start() {
    return new PlayedProvider();
  }

  public String baseUrl() {
    return "http://127.0.0.1:" + server.port() + "/v1";
  }

  /** Sets the answers to the next requests, in order; the last one is repeated. */
  public void play(List<byte[]> answers) {
    perform(answers.stream().<Performance>map(bytes -> out -> write(bytes, out)).toList());
  }

  /** As {@link #play}, for answers that are too long for memory or wait between their bytes. */
  public synchronized void perform(List<Performance> answers) {
    asked.set(0);
    hungUp.set(0);
    next.clear();
    next.addAll(answers);
  }

  /** The number of requests since the answers were set. */
  public int asked() {
    return asked.get();
  }

  /** The body of the last request. */
  public String lastBody() {
    return lastBody;
  }

  /** The headers of the last request; names are in lower case. */
  public Map<String, String> lastHeaders() {
    return lastHeaders;
  }

  /** The number of running answers. */
  public int underWay() {
    return underWay.get();
  }

  /** The number of answers that the peer aborted since the answers were set. */
  public int hungUp() {
    return hungUp.get();
  }

  @Override
  public void close() {
    server.close();
  }

  private void serve(Socket socket) throws IOException {
    HttpConnection connection = new HttpConnection(socket, new AtomicLong());
    boolean goesOn = true;
    while (goesOn) {
      Map<String, String> headers =
          connection.readHead().map(HttpConnection.Head::headers).orElse(null);
      goesOn = headers != null;
      if (goesOn) {
        byte[] body = connection.readBody(headers);
        lastHeaders = headers;
        lastBody = new String(body, StandardCharsets.UTF_8);
        goesOn = play(answer(), socket.getOutputStream());
      }
    }
  }

  private boolean play(Performance performance, OutputStream out) throws IOException {
    try {
      return performance.play(out);
    } catch (IOException left) {
      hungUp.incrementAndGet();
      throw left;
    } finally {
      underWay.decrementAndGet();
    }
  }

  /** Whether the answer gives its own length and is complete. */
  private static boolean write(byte[] answer, OutputStream out) throws IOException {
    out.write(answer);
    String text = new String(answer, StandardCharsets.ISO_8859_1);
    int body = text.indexOf("\r\n\r\n") + 4;
    String head = text.substring(0, body).toLowerCase(Locale.ROOT);
    return head.contains("\r\ncontent-length: " + (text.length() - body) + "\r\n")
        || (head.contains("\r\ntransfer-encoding: chunked\r\n") && text.endsWith("\r\n0\r\n\r\n"));
  }

  private synchronized Performance answer() {
    asked.incrementAndGet();
    underWay.incrementAndGet();
    last = next.isEmpty() ? last : next.remove();
    return last;
  }
}
