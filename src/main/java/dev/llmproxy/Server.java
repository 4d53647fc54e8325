package dev.llmproxy;

import dev.llmproxy.api.HttpFront;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.util.Properties;
import java.util.concurrent.CompletionException;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;
import org.apache.camel.main.Main;
import org.apache.camel.main.SimpleMainShutdownStrategy;

/**
 * The running gateway: the application's HTTP server and a CamelContext with the routes of the
 * folder {@code routes/}. The server is not Camel's, so that routes can be exchanged under it.
 */
public final class Server implements AutoCloseable {
  private static final int MEGABYTE = 1 << 20;

  private final Application application;
  private final Main main;
  private final HttpServer http;

  private Server(Application application, Main main, HttpServer http) {
    this.application = application;
    this.main = main;
    this.http = http;
  }

  /**
   * Starts the routes, then listens.
   *
   * @param application what the routes use; closed with the server
   * @throws IllegalStateException when a route cannot be started or the port is taken; everything
   *     is closed then
   */
  public static Server start(Application application) {
    Settings settings = application.settings();
    int mostBodyMegabytes = settings.integer("MAX_BODY_MB", 1, 1024);
    Router router = Router.router(application.vertx());
    new HttpFront(mostBodyMegabytes).install(router);
    Main main = routes(application, router, mostBodyMegabytes);
    try {
      main.start();
      HttpServer http =
          application
              .vertx()
              .createHttpServer(
                  new HttpServerOptions()
                      .setHost(settings.text("HOST"))
                      .setPort(settings.integer("PORT", 0, 65_535)))
              .requestHandler(router)
              .listen()
              .toCompletionStage()
              .toCompletableFuture()
              .join();
      return new Server(application, main, http);
    } catch (RuntimeException e) {
      main.stop();
      application.close();
      if (e instanceof CompletionException && e.getCause() instanceof java.io.IOException) {
        throw new IllegalStateException(
            "Cannot listen on %s:%s: %s. Set PORT to a free port."
                .formatted(settings.text("HOST"), settings.text("PORT"), e.getCause().getMessage()),
            e);
      }
      throw e;
    }
  }

  /** The port it listens on. */
  public int port() {
    return http.actualPort();
  }

  /** Takes no more requests, lets running ones end for a moment, and closes everything. */
  @Override
  public void close() {
    main.stop();
    http.close().toCompletionStage().toCompletableFuture().join();
    application.close();
  }

  private static Main routes(Application application, Router router, int mostBodyMegabytes) {
    Settings settings = application.settings();
    Main main = new Main();
    // Main's own strategy adds a JVM shutdown hook that would keep every context it ever made.
    main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    main.setPropertyPlaceholderLocations(
        "file:" + settings.home().resolve("application.properties"));
    Properties values = new Properties();
    values.putAll(settings.asMap());
    main.setOverrideProperties(values);
    main.configure()
        .withRoutesIncludePattern("file:" + settings.home().resolve("routes") + "/*.camel.yaml");
    String name =
        VertxPlatformHttpRouter.getRouterNameFromPort(
            VertxPlatformHttpServerConfiguration.DEFAULT_BIND_PORT);
    main.bind(
        name,
        new VertxPlatformHttpRouter(null, application.vertx(), router, name) {
          @Override
          public Handler<RoutingContext> bodyHandler() {
            return BodyHandler.create(false).setBodyLimit((long) mostBodyMegabytes * MEGABYTE);
          }
        });
    main.bind("workbook", application.workbook());
    return main;
  }
}
