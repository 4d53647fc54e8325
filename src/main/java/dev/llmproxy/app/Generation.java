package dev.llmproxy.app;

import dev.llmproxy.base.Problem;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.CallWatch;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.HttpFront;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.main.SimpleMainShutdownStrategy;
import org.apache.camel.model.ModelCamelContext;

/**
 * The routes that serve requests from one moment on: a CamelContext with an HTTP router of its own.
 * Everything that outlives it belongs to the application.
 */
final class Generation implements HttpListener.Target, AutoCloseable {
  /** For the background routes' present runs. */
  private static final Duration PATIENCE = Duration.ofSeconds(4);

  private final int number;
  private final Application application;
  private final RouteFiles files;
  private final Main main;
  private final VertxPlatformHttpRouter router;
  private final BackgroundRoutes background;

  /** Requests whose response has not ended. Camel does not know one before its body is read. */
  private final AtomicInteger active = new AtomicInteger();

  private List<String> served = List.of();
  private Instant since;

  /** Loads the routes of the application's home folder. {@link #start} starts them. */
  Generation(int number, Application application, HttpFront front) {
    this.number = number;
    this.application = application;
    router = HttpListener.router(application, front);
    files = RouteFiles.of(application);
    main = main();
    files.loadInto(main, true);
    background = new BackgroundRoutes(main);
  }

  private Main main() {
    Settings settings = application.settings();
    Main main = new Main();
    // Main's default strategy adds a JVM shutdown hook that references every context it has
    // created.
    main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    main.setPropertyPlaceholderLocations(
        "file:" + settings.home().resolve("application.properties"));
    Properties values = new Properties();
    values.putAll(settings.asMap());
    main.setOverrideProperties(values);
    main.addMainListener(
        new MainListenerSupport() {
          @Override
          public void beforeInitialize(BaseMainSupport starting) {
            starting
                .getCamelContext()
                .getExecutorServiceManager()
                .setThreadPoolFactory(application.apiThreads().factory());
          }
        });
    main.bind("application", application);
    main.bind(router.getName(), router);
    return main;
  }

  /**
   * Starts the routes, except those that work in the background.
   *
   * @throws RoutesException when a route is wrong; it has every problem of all routes
   */
  void start() {
    try {
      main.start();
    } catch (RuntimeException e) {
      throw new RoutesException(
          new RouteDiagnosis(application.settings().home(), RouteFiles.of(application))
              .of(e, main()),
          e);
    }
    List<Problem> problems =
        new RouteChecks(context(), ((ModelCamelContext) context()).getRouteDefinitions(), Set.of())
            .run();
    if (!problems.isEmpty()) {
      throw new RoutesException(problems, null);
    }
    since = application.clock().instant();
    served =
        context().getRoutes().stream()
            .filter(route -> route.getEndpoint() instanceof PlatformHttpEndpoint)
            .map(Route::getRouteId)
            .toList();
  }

  /** 1 for the routes of the start. */
  int number() {
    return number;
  }

  /** When it had started. */
  Instant since() {
    return since;
  }

  /** The application with the settings and providers of this generation. */
  Application application() {
    return application;
  }

  CamelContext context() {
    return main.getCamelContext();
  }

  /** The routes that a timer or another source starts. */
  BackgroundRoutes background() {
    return background;
  }

  /** Counts a request, which {@link #handle} then serves. */
  void enter() {
    active.incrementAndGet();
  }

  @Override
  public void handle(HttpServerRequest request) {
    router.handle(request);
  }

  @Override
  public void ended() {
    active.decrementAndGet();
  }

  /** Whether requests are being answered or recorded. */
  boolean serves() {
    return active.get() > 0
        || served.stream().anyMatch(route -> context().getInflightRepository().size(route) > 0);
  }

  /** Whether any exchange is under way, of requests or not. */
  boolean works() {
    return active.get() > 0 || context().getInflightRepository().size() > 0;
  }

  /** Ends all requests of this generation with an error. */
  void cut(ApiError why) {
    context().getRegistry().findByType(CallWatch.class).forEach(watch -> watch.cut(why));
  }

  /**
   * Stops the routes.
   *
   * @param patience how long exchanges that still run may go on
   */
  void stop(Duration patience) {
    CamelContext context = context();
    if (context != null) {
      context.getShutdownStrategy().setTimeUnit(TimeUnit.MILLISECONDS);
      context.getShutdownStrategy().setTimeout(Math.max(1, patience.toMillis()));
    }
    main.stop();
  }

  @Override
  public void close() {
    stop(PATIENCE);
  }
}
