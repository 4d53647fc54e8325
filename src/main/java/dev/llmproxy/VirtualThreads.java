package dev.llmproxy;

import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxBuilder;
import io.vertx.core.spi.ExecutorServiceFactory;
import java.util.concurrent.Executors;

/** Vert.x whose workers are virtual threads, one a request, in place of its pool of twenty. */
final class VirtualThreads {
  private VirtualThreads() {}

  static Vertx vertx() {
    ExecutorServiceFactory workers =
        (threads, concurrency, most) ->
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("request-", 0).factory());
    return new VertxBuilder().executorServiceFactory(workers).init().vertx();
  }
}
