package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A site on 127.0.0.1 that answers one request with the same piece again and again until the client
 * disconnects. It stops after more bytes than the system's buffers hold: a client that takes all of
 * them has not disconnected.
 */
final class EndlessSite implements AutoCloseable {
  private static final int MOST_BYTES = 64 << 20;

  private final int mostBytes;
  private final ServerSocket server =
      new ServerSocket(0, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
  private final CompletableFuture<Integer> taken = new CompletableFuture<>();

  /**
   * @param head start of the answer
   * @param piece repeated after it
   */
  EndlessSite(String head, String piece) throws IOException {
    this(head, piece, MOST_BYTES);
  }

  /** With another limit of bytes. */
  EndlessSite(String head, String piece, int mostBytes) throws IOException {
    this.mostBytes = mostBytes;
    Thread.ofVirtual().start(() -> serve(head, piece.getBytes(StandardCharsets.US_ASCII)));
  }

  /**
   * An answer with an endless body of letters a.
   *
   * @param head status and headers; may include Transfer-Encoding: chunked
   */
  static EndlessSite ofBody(String head) throws IOException {
    String letters = "a".repeat(0x1000);
    return new EndlessSite(
        "HTTP/1.1 " + head + "\r\n\r\n",
        head.contains("chunked") ? "1000\r\n" + letters + "\r\n" : letters);
  }

  int port() {
    return server.getLocalPort();
  }

  void assertHungUp() throws Exception {
    assertThat(taken.get(1, TimeUnit.MINUTES)).isLessThan(mostBytes);
  }

  private void serve(String head, byte[] piece) {
    int sent = 0;
    try (Socket asker = server.accept();
        BufferedReader request =
            new BufferedReader(
                new InputStreamReader(asker.getInputStream(), StandardCharsets.US_ASCII))) {
      while (!request.readLine().isEmpty()) {}
      OutputStream answer = asker.getOutputStream();
      answer.write(head.getBytes(StandardCharsets.US_ASCII));
      while (sent < mostBytes) {
        answer.write(piece);
        sent += piece.length;
      }
    } catch (IOException e) {
      // The client has disconnected.
    } finally {
      taken.complete(sent);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
