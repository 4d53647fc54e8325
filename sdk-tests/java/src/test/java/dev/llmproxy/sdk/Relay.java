package dev.llmproxy.sdk;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Passes every byte between a client and the gateway, and stores a copy. */
final class Relay implements AutoCloseable {
  private static final URI GATEWAY = URI.create(Gateway.required("LLMPROXY_BASE_URL"));

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final List<Connection> connections = new CopyOnWriteArrayList<>();

  Relay() throws IOException {
    Thread.ofVirtual().start(this::accept);
  }

  String baseUrl() {
    return "http://127.0.0.1:" + server.getLocalPort() + GATEWAY.getPath();
  }

  List<Connection> connections() {
    return List.copyOf(connections);
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Connection connection : connections) {
      connection.close();
    }
  }

  private void accept() {
    try {
      while (true) {
        connections.add(new Connection(server.accept()));
      }
    } catch (IOException closed) {
      // The test has ended.
    }
  }

  /** A connection from the client and its connection to the gateway. */
  static final class Connection {
    private final Socket client;
    private final Socket gateway;
    private final Copy fromClient = new Copy();
    private final Copy fromGateway = new Copy();

    private Connection(Socket client) throws IOException {
      this.client = client;
      gateway = new Socket(GATEWAY.getHost(), GATEWAY.getPort());
      Thread.ofVirtual().start(() -> pass(client, gateway, fromClient));
      Thread.ofVirtual().start(() -> pass(gateway, client, fromGateway));
    }

    /** The bytes from the client so far, one character for each byte. */
    String fromClient() {
      return fromClient.text();
    }

    /** The bytes from the gateway so far, one character for each byte. */
    String fromGateway() {
      return fromGateway.text();
    }

    private void close() throws IOException {
      client.close();
      gateway.close();
    }

    private static void pass(Socket from, Socket to, Copy copy) {
      byte[] buffer = new byte[8192];
      try (from;
          to;
          InputStream in = from.getInputStream();
          OutputStream out = to.getOutputStream()) {
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          copy.add(buffer, read);
          out.write(buffer, 0, read);
        }
      } catch (IOException closed) {
        // One side has left; closing the socket informs the other side.
      }
    }
  }

  private static final class Copy {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    synchronized void add(byte[] buffer, int length) {
      bytes.write(buffer, 0, length);
    }

    synchronized String text() {
      return bytes.toString(StandardCharsets.ISO_8859_1);
    }
  }
}
