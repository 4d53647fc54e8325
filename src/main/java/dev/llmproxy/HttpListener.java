package dev.llmproxy;

import dev.llmproxy.api.BodyReader;
import dev.llmproxy.api.HttpFront;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.util.concurrent.CompletionException;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;

/** Where requests come in: the router that the routes enter themselves into, and its port. */
final class HttpListener implements AutoCloseable {
  private static final int KILOBYTE = 1 << 10;

  private final Application application;
  private final HttpFront front;
  private final VertxPlatformHttpRouter router;
  private HttpServer server;

  HttpListener(Application application) {
    this.application = application;
    Settings settings = application.settings();
    BodyReader body = new BodyReader(settings.integer("MAX_BODY_MB", 1, 1024));
    Router routes = Router.router(application.vertx());
    front = new HttpFront(settings.find("CORS_ORIGINS").orElse(""));
    front.install(routes);
    String name =
        VertxPlatformHttpRouter.getRouterNameFromPort(
            VertxPlatformHttpServerConfiguration.DEFAULT_BIND_PORT);
    router =
        new VertxPlatformHttpRouter(null, application.vertx(), routes, name) {
          @Override
          public Handler<RoutingContext> bodyHandler() {
            return body;
          }
        };
  }

  /** What platform-http looks for in the registry, by its name. */
  VertxPlatformHttpRouter router() {
    return router;
  }

  /**
   * Listens on the address HOST.
   *
   * @throws IllegalStateException when the port is taken
   */
  void listen(int port) {
    Settings settings = application.settings();
    String host = settings.text("HOST");
    HttpServerOptions options =
        new HttpServerOptions()
            .setHost(host)
            .setPort(port)
            .setMaxHeaderSize(settings.integer("MAX_HEADER_KB", 1, 1024) * KILOBYTE)
            .setMaxInitialLineLength(settings.integer("MAX_HEADER_KB", 1, 1024) * KILOBYTE);
    try {
      server =
          application
              .vertx()
              .createHttpServer(options)
              .invalidRequestHandler(front::refuse)
              .requestHandler(router)
              .listen()
              .toCompletionStage()
              .toCompletableFuture()
              .join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IOException) {
        throw new IllegalStateException(
            "Cannot listen on %s:%d: %s. Set PORT to a free port."
                .formatted(host, port, e.getCause().getMessage()),
            e);
      }
      throw e;
    }
  }

  /** The port it listens on. */
  int port() {
    return server.actualPort();
  }

  /** Listens no more; does nothing when it does not listen. */
  @Override
  public void close() {
    if (server != null) {
      server.close().toCompletionStage().toCompletableFuture().join();
    }
  }
}
