package dev.llmproxy;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A plain connection on which a test writes and reads HTTP by hand. */
public final class RawConnection implements AutoCloseable {
  private static final int MOST_SILENCE_MILLIS = 60_000;

  private final Socket socket;

  /** Connects to a port of this machine. */
  public RawConnection(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(MOST_SILENCE_MILLIS);
  }

  /** A whole request with a JSON body; {@code headers} are additional header lines. */
  public static String request(String path, String bearer, String body, String... headers) {
    StringBuilder request =
        new StringBuilder("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n")
            .append("Authorization: Bearer " + bearer + "\r\n");
    for (String header : headers) {
      request.append(header).append("\r\n");
    }
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    return request + "Content-Length: " + length + "\r\n\r\n" + body;
  }

  /** Sends a chat request. */
  public void post(String bearer, String body) throws IOException {
    post("/v1/chat/completions", bearer, body);
  }

  void post(String path, String bearer, String body) throws IOException {
    write(request(path, bearer, body));
  }

  public void write(String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Reads up to and including {@code end}; each byte is one character. */
  public String readUntil(String end) throws IOException {
    StringBuilder read = new StringBuilder();
    while (read.indexOf(end, read.length() - end.length()) < 0) {
      int next = socket.getInputStream().read();
      if (next < 0) {
        throw new EOFException("The connection ended after: " + read);
      }
      read.append((char) next);
    }
    return read.toString();
  }

  /** Reads this many bytes as text. */
  String read(int bytes) throws IOException {
    return new String(socket.getInputStream().readNBytes(bytes), StandardCharsets.UTF_8);
  }

  /** Reads until the other side ends the connection. */
  public String readAll() throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
