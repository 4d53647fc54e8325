package dev.llmproxy.app;

import dev.llmproxy.base.Problem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds every mistake of routes that have failed to start. Camel ends a start at the first one, so
 * this starts a context without routes and adds one after the other.
 */
final class RouteDiagnosis extends MainListenerSupport {
  private static final Logger LOG = LoggerFactory.getLogger(RouteDiagnosis.class);

  private final RouteProblem inWords;
  private final RouteFiles files;
  private final List<RouteDefinition> routes = new ArrayList<>();
  private final List<Problem> ofFiles = new ArrayList<>();

  /**
   * @param home the folder with routes/
   * @param files has not been loaded
   */
  RouteDiagnosis(Path home, RouteFiles files) {
    inWords = new RouteProblem(home);
    this.files = files;
  }

  /**
   * The problems behind a failure; at least one.
   *
   * @param main has no routes yet
   */
  List<Problem> of(Throwable failure, Main main) {
    List<Problem> problems = new ArrayList<>();
    files.loadInto(main, false);
    main.addMainListener(this);
    try {
      main.start();
      ModelCamelContext context = (ModelCamelContext) main.getCamelContext();
      for (RouteDefinition route : routes) {
        add(context, route, problems);
      }
      problems.addAll(new RouteChecks(context, routes, files.unread()).run());
    } catch (RuntimeException e) {
      LOG.debug("The start without routes failed, too", e);
    } finally {
      main.stop();
    }
    problems.addAll(0, ofFiles);
    return problems.isEmpty()
        ? List.of(inWords.of(failure, null))
        : problems.stream().distinct().toList();
  }

  private void add(ModelCamelContext context, RouteDefinition route, List<Problem> problems) {
    try {
      route.setAutoStartup("false");
      context.addRouteDefinition(route);
    } catch (Exception e) {
      String file = RouteFiles.file(route);
      problems.add(inWords.of(e, file == null ? null : Path.of(file)));
    }
  }

  /** Called by Camel when the routes are loaded, before they start. */
  @Override
  public void afterConfigure(BaseMainSupport main) {
    ModelCamelContext context = (ModelCamelContext) main.getCamelContext();
    ofFiles.addAll(files.problems());
    routes.addAll(context.getRouteDefinitions());
    try {
      context.removeRouteDefinitions(List.copyOf(context.getRouteDefinitions()));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
