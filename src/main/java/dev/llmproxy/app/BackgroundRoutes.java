package dev.llmproxy.app;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.support.service.ServiceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The routes of a CamelContext that a timer or another system starts, not a request: keys, flush,
 * statistics, lists of models, messages of brokers. They do not start with the context, because
 * those of another context may still run, and each works alone.
 */
final class BackgroundRoutes extends MainListenerSupport {
  private static final Logger LOG = LoggerFactory.getLogger(BackgroundRoutes.class);

  /** The components whose routes are called by other routes, or serve requests. */
  private static final Set<String> CALLED =
      Set.of("direct", "seda", "platform-http", "rest-api", "rest-openapi", "kamelet", "mock");

  private static final long POLL_MILLIS = 20;

  private final Main main;
  private final List<String> ids = new ArrayList<>();

  /**
   * @param main has not started
   */
  BackgroundRoutes(Main main) {
    this.main = main;
    main.addMainListener(this);
  }

  /** Called by Camel when the routes are loaded, before they start. */
  @Override
  public void afterConfigure(BaseMainSupport configured) {
    ModelCamelContext context = (ModelCamelContext) main.getCamelContext();
    for (RouteDefinition route : context.getRouteDefinitions()) {
      String uri = route.getInput().getEndpointUri();
      boolean off = "false".equalsIgnoreCase(route.getAutoStartup());
      if (!off && !CALLED.contains(uri.replaceFirst(":.*", ""))) {
        ids.add(route.getRouteId());
        route.setAutoStartup("false");
      }
    }
  }

  /** Their ids. */
  List<String> ids() {
    return List.copyOf(ids);
  }

  /** Starts them. */
  void start() {
    ids.forEach(this::start);
  }

  private void start(String id) {
    try {
      context().getRouteController().startRoute(id);
    } catch (Exception e) {
      LOG.error("The route {} could not be started", id, e);
    }
  }

  /**
   * Starts the routes, each after the route of the same id of another context has ended its present
   * run. The others of that context end too.
   */
  void takeOver(BackgroundRoutes before) throws InterruptedException {
    List<Thread> takeovers = new ArrayList<>();
    for (String id : before.ids) {
      takeovers.add(
          Thread.ofVirtual()
              .name("takeover-" + id)
              .start(() -> {
                if (before.end(id, Duration.ofDays(1)) && ids.contains(id)) {
                  start(id);
                }
              }));
    }
    for (Thread each : takeovers) {
      each.join();
    }
    ids.stream().filter(id -> !before.ids.contains(id)).forEach(this::start);
  }

  /**
   * Has a route's steps run once more, after its present run; it does not start again by itself.
   *
   * @param patience for the present run
   */
  void runLast(String id, Duration patience) throws Exception {
    if (ids.contains(id) && end(id, patience)) {
      Route route = context().getRoute(id);
      route.getProcessor().process(route.getEndpoint().createExchange());
    }
  }

  /** Has a route begin no further run; returns whether the present one has ended in time. */
  private boolean end(String id, Duration patience) {
    // The route's steps stay started, which Camel's suspendRoute does not do.
    ServiceHelper.suspendService(context().getRoute(id).getConsumer());
    long end = System.nanoTime() + patience.toNanos();
    try {
      do {
        // A run that begins at this moment needs a moment to be seen.
        Thread.sleep(POLL_MILLIS);
        if (context().getInflightRepository().size(id) == 0) {
          return true;
        }
      } while (System.nanoTime() - end < 0);
      LOG.warn("The route {} still runs", id);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  private CamelContext context() {
    return main.getCamelContext();
  }
}
