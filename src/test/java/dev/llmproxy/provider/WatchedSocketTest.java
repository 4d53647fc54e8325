package dev.llmproxy.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WatchedSocketTest {
  private ServerSocket server;
  private WatchedSocket client;
  private Socket peer;

  @BeforeEach
  void connect() throws IOException {
    server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    client = WatchedSocket.create(null);
    client.connect(server.getLocalSocketAddress());
    peer = server.accept();
  }

  @AfterEach
  void close() throws IOException {
    client.close();
    peer.close();
    server.close();
  }

  @Test
  void silenceEndsTheReadAndClosesTheSocket() throws IOException {
    client.setSoTimeout(1000);
    InputStream input = client.getInputStream();

    assertThat(client.getSoTimeout()).isEqualTo(1000);
    assertThatThrownBy(input::read).isInstanceOf(SocketTimeoutException.class);
    assertThat(client.isClosed()).isTrue();
  }

  @Test
  void bytesArriveUntilTheEnd() throws Exception {
    client.setSoTimeout(5000);
    InputStream input = client.getInputStream();

    for (int sent = 0; sent < 3; sent++) {
      peer.getOutputStream().write(sent);
      assertThat(input.read()).isEqualTo(sent);
    }
    peer.close();
    assertThat(input.read()).isEqualTo(-1);
  }

  /** The HTTP client looks with a limit of a millisecond whether a connection has been closed. */
  @Test
  void shortLimitLeavesTheSocketOpen() throws IOException {
    InputStream input = client.getInputStream();
    client.setSoTimeout(1);

    assertThatThrownBy(input::read).isInstanceOf(SocketTimeoutException.class);

    client.setSoTimeout(5000);
    peer.getOutputStream().write(7);
    assertThat(input.read()).isEqualTo(7);
  }

  /** Closing a socket first ends its output, which a server may answer before the read ends. */
  @Test
  void anAnswerToTheEndOfThePatienceIsTooLate() throws Exception {
    try (ServerSocket many = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> reads = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        reads.add(
            threads.submit(() -> {
              try (WatchedSocket socket = WatchedSocket.create(null)) {
                socket.connect(many.getLocalSocketAddress());
                socket.setSoTimeout(1000);
                return socket.getInputStream().read();
              }
            }));
        Socket server = many.accept();
        var unused =
            threads.submit(() -> {
              try (server) {
                server.getInputStream().read();
                server.getOutputStream().write(7);
              }
              return null;
            });
      }
      for (Future<Integer> read : reads) {
        assertThatThrownBy(read::get).hasCauseInstanceOf(SocketTimeoutException.class);
      }
    }
  }

  @Test
  void closingEndsTheReadWithoutATimeout() throws Exception {
    client.setSoTimeout(60_000);
    InputStream input = client.getInputStream();
    Thread closing =
        Thread.startVirtualThread(() -> {
          try {
            client.close();
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        });

    assertThatThrownBy(input::read)
        .isInstanceOf(SocketException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
    closing.join();
  }
}
