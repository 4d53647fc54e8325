package dev.llmproxy.app;

import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.http.BodyReader;
import dev.llmproxy.http.ConnectionGuard;
import dev.llmproxy.http.HttpFront;
import dev.llmproxy.http.TlsFiles;
import io.vertx.core.AbstractVerticle;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Verticle;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The HTTP listener: the port, and the routers on which routes register. */
final class HttpListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpListener.class);

  private final Application application;
  private final HttpFront front;
  private final Supplier<Target> targets;
  private final List<HttpServer> servers = new CopyOnWriteArrayList<>();
  private final List<HttpServer> managementServers = new CopyOnWriteArrayList<>();
  private RunningServer running;

  /** Routes that serve a request. */
  interface Target {
    void handle(HttpServerRequest request);

    /** Called when the response has ended. */
    void ended();
  }

  /**
   * @param front installed on the routers of the targets
   * @param targets gives the target of each request
   */
  HttpListener(Application application, HttpFront front, Supplier<Target> targets) {
    this.application = application;
    this.front = front;
    this.targets = targets;
  }

  /** What comes before all routes. */
  static HttpFront front(Application application) {
    return new HttpFront(
        application.values().http().corsOrigins(),
        application.values().http().trustedProxies(),
        application.values().monitoring().managementPort().isPresent(),
        application.requestLog());
  }

  /**
   * A router on which the routes of a CamelContext register. Camel's component platform-http looks
   * it up in the registry by its name.
   */
  static VertxPlatformHttpRouter router(Application application, HttpFront front) {
    BodyReader body = application.bodyReader();
    Router routes = Router.router(application.vertx());
    front.install(routes);
    String name =
        VertxPlatformHttpRouter.getRouterNameFromPort(
            VertxPlatformHttpServerConfiguration.DEFAULT_BIND_PORT);
    return new VertxPlatformHttpRouter(null, application.vertx(), routes, name) {
      @Override
      public Handler<RoutingContext> bodyHandler() {
        return body;
      }
    };
  }

  /**
   * Listens on the address HOST.
   *
   * @throws IllegalStateException when the port is taken
   */
  void listen(int port) {
    HttpSettings settings = application.values().http();
    String host = settings.host();
    int loops =
        settings.eventLoops() > 0
            ? settings.eventLoops()
            : Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    // Servers with the same negative port share one free port.
    HttpServerOptions options = options(settings).setPort(port == 0 ? -1 : port);
    if (settings.tls().on()) {
      TlsFiles tls = new TlsFiles(settings.tls(), application.vertx(), application.clock());
      tls.apply(options);
      tls.watch();
    }
    deploy(() -> new OneLoop(options, this::serve, servers), loops, host, port, "PORT");
    OptionalInt management = application.values().monitoring().managementPort();
    if (management.isPresent()) {
      int second = management.getAsInt();
      HttpServerOptions own = options(settings).setPort(second);
      deploy(
          () -> new OneLoop(own, this::serveManagement, managementServers),
          1,
          host,
          second,
          "MANAGEMENT_PORT");
    }
    writeAddress(host);
  }

  private static HttpServerOptions options(HttpSettings settings) {
    return new HttpServerOptions()
        .setHost(settings.host())
        .setMaxHeaderSize(settings.maxHeaderBytes())
        .setMaxInitialLineLength(settings.maxHeaderBytes())
        .setPerFrameWebSocketCompressionSupported(false)
        .setPerMessageWebSocketCompressionSupported(false);
  }

  private void deploy(
      Supplier<Verticle> verticle, int instances, String host, int port, String setting) {
    try {
      application
          .vertx()
          .deployVerticle(verticle, new DeploymentOptions().setInstances(instances))
          .toCompletionStage()
          .toCompletableFuture()
          .join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cannotListen(host, port, setting, cause);
      }
      throw e;
    }
  }

  /** Listens with one event loop. Vert.x spreads the connections over all that share the port. */
  private final class OneLoop extends AbstractVerticle {
    private final HttpServerOptions options;
    private final Handler<HttpServerRequest> handler;
    private final List<HttpServer> opened;

    OneLoop(
        HttpServerOptions options, Handler<HttpServerRequest> handler, List<HttpServer> opened) {
      this.options = options;
      this.handler = handler;
      this.opened = opened;
    }

    @Override
    public void start(Promise<Void> started) {
      vertx
          .createHttpServer(options)
          .invalidRequestHandler(front::refuse)
          .requestHandler(handler)
          .listen()
          .onSuccess(opened::add)
          .<Void>mapEmpty()
          .onComplete(started);
    }
  }

  /**
   * Checks whether {@link #listen} would succeed, before the other parts are opened.
   *
   * @throws IllegalStateException when the address is not this machine's or the port is taken; the
   *     message names the setting to change
   */
  static void tryToListen(HttpSettings settings) {
    String host = settings.host();
    int port = settings.port();
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
    } catch (IOException e) {
      throw cannotListen(host, port, "PORT", e);
    }
  }

  private static IllegalStateException cannotListen(
      String host, int port, String setting, IOException why) {
    boolean notHere =
        why instanceof UnknownHostException || ("" + why.getMessage()).contains("assign");
    return new IllegalStateException(
        notHere
            ? "HOST is \"%s\"; it must be an address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 for every network that it is in"
                .formatted(host)
            : "Cannot listen on %s:%d: %s. Set %s to a free port."
                .formatted(host, port, why.getMessage(), setting),
        why);
  }

  private void serveManagement(HttpServerRequest request) {
    HttpFront.toManagementPort(request);
    serve(request);
  }

  private void serve(HttpServerRequest request) {
    ConnectionGuard guard = ConnectionGuard.of(request.connection());
    Context loop = application.vertx().getOrCreateContext();
    guard.began(request.version());
    Target target = targets.get();
    request
        .response()
        .endHandler(end -> {
          target.ended();
          loop.runOnContext(next -> front.drain(request, application.vertx(), guard::ended));
        });
    target.handle(request);
  }

  /** The port on which the server listens. */
  int port() {
    return servers.getFirst().actualPort();
  }

  /** The port for health and metrics; empty when it is that of the API. */
  OptionalInt managementPort() {
    return managementServers.isEmpty()
        ? OptionalInt.empty()
        : OptionalInt.of(managementServers.getFirst().actualPort());
  }

  /** Writes the server's address to the data folder, where commands look it up. */
  private void writeAddress(String host) {
    running =
        new RunningServer(
            RunningServer.url(application.values().http().tls().scheme(), host, port()),
            ProcessHandle.current().pid(),
            application.instance());
    try {
      running.write(data());
    } catch (IOException e) {
      LOG.warn(
          "The server's address cannot be written to the data folder; doctor and test-rest-api will not find this"
              + " server: {}",
          e.toString());
    }
  }

  private Path data() {
    return application.settings().path("LLMPROXY_DATA");
  }

  private static void close(HttpServer server) {
    server.close().toCompletionStage().toCompletableFuture().join();
  }

  /** Stops listening. Does nothing when the server does not listen. */
  @Override
  public void close() {
    if (!servers.isEmpty()) {
      try {
        running.remove(data());
      } catch (IOException e) {
        LOG.debug("The file of {} cannot be deleted", running, e);
      }
      servers.forEach(HttpListener::close);
      managementServers.forEach(HttpListener::close);
    }
  }
}
