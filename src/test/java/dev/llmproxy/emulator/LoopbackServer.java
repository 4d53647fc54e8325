package dev.llmproxy.emulator;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Listens on loopback, and serves each connection on its own virtual thread. Uses plain sockets,
 * because the emulators do things that no HTTP server does.
 */
public final class LoopbackServer implements AutoCloseable {
  private static final int BACKLOG = 1024;

  /** Serves one connection, which is closed afterwards. */
  public interface Service {
    /**
     * @throws IOException when the peer has gone; it is ignored
     */
    void serve(Socket connection) throws IOException;
  }

  private final ServerSocket listener;
  private final Service service;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();

  private LoopbackServer(ServerSocket listener, Service service) {
    this.listener = listener;
    this.service = service;
  }

  /** Starts on a free port. */
  public static LoopbackServer start(Service service) {
    return start(0, service);
  }

  public static LoopbackServer start(int port, Service service) {
    try {
      ServerSocket listener = new ServerSocket();
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
      LoopbackServer server = new LoopbackServer(listener, service);
      Thread.ofVirtual().name("loopback-server").start(server::accept);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot listen on port " + port, e);
    }
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** The number of connections opened so far. */
  public int accepted() {
    return accepted.get();
  }

  /** The number of open connections. */
  public int open() {
    return open.size();
  }

  public boolean closed() {
    return listener.isClosed();
  }

  /** Stops the server and closes its connections. */
  @Override
  public void close() {
    try {
      listener.close();
      for (Socket connection : open) {
        connection.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = listener.accept();
        accepted.incrementAndGet();
        open.add(connection);
        Thread.ofVirtual().start(() -> serve(connection));
      }
    } catch (IOException closed) {
      // The server was closed.
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      service.serve(connection);
    } catch (IOException gone) {
      // The service declares that the peer has gone.
    } finally {
      open.remove(connection);
    }
  }
}
