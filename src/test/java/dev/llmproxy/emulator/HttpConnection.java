package dev.llmproxy.emulator;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;

/**
 * The server's side of one HTTP/1.1 connection. Uses a plain socket, because a scripted provider
 * must abort at points where no HTTP server does.
 */
final class HttpConnection {
  private static final Pattern SPACE = Pattern.compile(" ");
  private static final byte[] LINE_END = {'\r', '\n'};

  private final Socket socket;
  private final AtomicLong written;
  private final BufferedInputStream in;
  private final OutputStream out;

  /**
   * @param written counts the bytes of streams that were written to the socket
   */
  HttpConnection(Socket socket, AtomicLong written) throws IOException {
    this.socket = socket;
    this.written = written;
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  record Head(String method, String path, Map<String, String> headers) {}

  /** The head of the next request; empty when the peer has closed the connection. */
  Optional<Head> readHead() throws IOException {
    String requestLine = readLine();
    if (requestLine.isEmpty()) {
      return Optional.empty();
    }
    List<String> parts = SPACE.splitAsStream(requestLine).toList();
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = readLine(); !line.isEmpty(); line = readLine()) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return Optional.of(new Head(parts.get(0), parts.get(1), headers));
  }

  byte[] readBody(Map<String, String> headers) throws IOException {
    if (headers.getOrDefault("expect", "").equalsIgnoreCase("100-continue")) {
      out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(ISO_8859_1));
    }
    if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
      return readChunks();
    }
    return in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
  }

  void respond(Reply reply) throws IOException {
    byte[] body = reply.body().getBytes(UTF_8);
    writeHead(reply.status(), reply.headers(), "content-length: " + body.length);
    out.write(body);
  }

  void startStream(Map<String, String> headers) throws IOException {
    writeHead(200, headers, "transfer-encoding: chunked");
  }

  /** Writes the bytes as one HTTP chunk. */
  void write(byte[] bytes, int from, int to) throws IOException {
    ByteArrayOutputStream chunk = new ByteArrayOutputStream();
    chunk.writeBytes((Integer.toHexString(to - from) + "\r\n").getBytes(ISO_8859_1));
    chunk.write(bytes, from, to - from);
    chunk.writeBytes(LINE_END);
    chunk.writeTo(out);
    written.addAndGet(chunk.size());
  }

  void endStream() throws IOException {
    out.write("0\r\n\r\n".getBytes(ISO_8859_1));
  }

  /** Sleeps. Throws {@link EOFException} at once when the peer leaves. */
  void pause(Duration duration) throws IOException {
    if (duration.isZero()) {
      return;
    }
    socket.setSoTimeout(Math.toIntExact(duration.toMillis()));
    in.mark(1);
    try {
      if (in.read() < 0) {
        throw new EOFException("the peer left");
      }
      in.reset(); // the next request is early and waits for the end of this answer
    } catch (SocketTimeoutException elapsed) {
      return;
    } finally {
      socket.setSoTimeout(0);
    }
  }

  /** Aborts the connection like a crashed server: the peer gets a reset. */
  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  /** Ends the connection without an answer. */
  void hangUp(boolean reset) throws IOException {
    if (reset) {
      reset();
    } else {
      socket.close();
    }
  }

  private void writeHead(int status, Map<String, String> headers, String framing)
      throws IOException {
    StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " scripted\r\n");
    headers.forEach((name, value) -> head.append(name + ": " + value + "\r\n"));
    out.write(head.append(framing).append("\r\n\r\n").toString().getBytes(UTF_8));
  }

  private byte[] readChunks() throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (int size = readChunkSize(); size > 0; size = readChunkSize()) {
      body.write(in.readNBytes(size));
      readLine();
    }
    readLine();
    return body.toByteArray();
  }

  private int readChunkSize() throws IOException {
    return Integer.parseInt(readLine().strip(), 16);
  }

  /** Reads a line; empty at the end of the connection. */
  private String readLine() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
      if (b != '\r') {
        line.write(b);
      }
    }
    return line.toString(ISO_8859_1);
  }
}
