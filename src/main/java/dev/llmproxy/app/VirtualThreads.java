package dev.llmproxy.app;

import dev.llmproxy.http.Connections;
import io.netty.bootstrap.ServerBootstrap;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxBuilder;
import io.vertx.core.impl.transports.JDKTransport;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.spi.ExecutorServiceFactory;
import java.util.concurrent.Executors;

/** Creates a Vert.x that runs each worker task on a virtual thread instead of a pool of twenty. */
final class VirtualThreads {
  private VirtualThreads() {}

  /**
   * @param connections handles the connections of every server of this Vert.x
   */
  static Vertx vertx(Connections connections) {
    ExecutorServiceFactory workers =
        (threads, concurrency, max) ->
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("request-", 0).factory());
    return new VertxBuilder()
        .findTransport(new Watched(connections))
        .executorServiceFactory(workers)
        .init()
        .vertx();
  }

  /**
   * The transport is Vert.x's only hook for a handler that sees a connection before its first byte.
   */
  private static final class Watched extends JDKTransport {
    private final Connections connections;

    Watched(Connections connections) {
      this.connections = connections;
    }

    @Override
    public void configure(
        NetServerOptions options, boolean domainSocket, ServerBootstrap bootstrap) {
      super.configure(options, domainSocket, bootstrap);
      bootstrap.handler(connections);
    }
  }
}
