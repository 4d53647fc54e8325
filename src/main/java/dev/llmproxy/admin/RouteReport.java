package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.RouteSettings;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.AdminErrors;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.NamedNode;
import org.apache.camel.model.CatchDefinition;
import org.apache.camel.model.ChoiceDefinition;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;

/**
 * The routes that run, their steps and texts, and what a measurement has counted. Texts, endpoints
 * and labels are those of the files: placeholders stay placeholders.
 */
public final class RouteReport implements CamelContextAware {
  static final String PATH = "/admin/api/routes/";
  private static final int MINUTES = 5;
  private static final int MOST_MINUTES = 60;
  private static final double NANOS_OF_A_MILLISECOND = 1e6;

  /** A label that Camel writes as {@code kind[label]}. */
  private static final Pattern LABELLED = Pattern.compile("(?s)\\w+\\[(.*)]");

  private final RouteMeter meter;
  private final AdminActions actions;
  private CamelContext context;
  private RouteTexts texts;

  public RouteReport(RouteMeter meter, AdminActions actions) {
    this.meter = meter;
    this.actions = actions;
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  /** Called by Camel when it binds this bean, before it creates the routes. */
  @Override
  public void setCamelContext(CamelContext camelContext) {
    if (context == null) {
      context = camelContext;
      texts = new RouteTexts(camelContext);
    }
  }

  /** All routes by their id, with the routes that each calls, and their figures. */
  public ObjectNode list() {
    List<RouteDefinition> routes = definitions();
    RouteGraph graph = new RouteGraph(routes);
    ObjectNode answer = Json.object();
    answer.set("measurement", measurement());
    ArrayNode list = answer.putArray("routes");
    routes.stream()
        .sorted(Comparator.comparing(RouteDefinition::getRouteId))
        .forEach(route -> list.add(summary(route, graph)));
    return answer;
  }

  /**
   * The route whose id ends the path, with its text and its steps as a tree.
   *
   * @throws dev.llmproxy.error.ApiException 404 when there is no such route
   */
  public ObjectNode details(Exchange exchange) {
    String id = AdminQuery.of(exchange).pathAfter(PATH);
    List<RouteDefinition> routes = definitions();
    RouteDefinition route =
        routes.stream()
            .filter(each -> each.getRouteId().equals(id))
            .findFirst()
            .orElseThrow(() -> AdminErrors.notFound("route").asException());
    RouteGraph graph = new RouteGraph(routes);
    ObjectNode answer = summary(route, graph);
    ArrayNode callers = answer.putArray("called_by");
    routes.stream()
        .filter(each -> calls(each, graph).contains(id))
        .map(RouteDefinition::getRouteId)
        .sorted()
        .forEach(callers::add);
    answer.set("measurement", measurement());
    answer.put("text", texts.of(route));
    answer.set("steps", steps(route, graph));
    return answer;
  }

  /**
   * Measures all routes for the minutes of the field {@code minutes} (5), from zero; 0 ends the
   * measurement that runs.
   *
   * @throws dev.llmproxy.error.ApiException 400 for wrong fields, 503 when the action cannot be
   *     recorded
   */
  public ObjectNode measure(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext request,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      @Body byte[] body) {
    JsonFields fields = JsonFields.of(body);
    int minutes = fields.number("minutes", MINUTES, 0, MOST_MINUTES);
    fields.end();
    actions.record(
        request, session, "routes.measure", "all routes", Json.object().put("minutes", minutes));
    if (minutes == 0) {
      meter.stop();
    } else {
      meter.measure(Duration.ofMinutes(minutes));
    }
    ObjectNode answer = Json.object();
    answer.set("measurement", measurement());
    return answer;
  }

  private List<RouteDefinition> definitions() {
    return ((ModelCamelContext) context).getRouteDefinitions();
  }

  private ObjectNode measurement() {
    RouteMeter.State state = meter.state();
    return state == null
        ? null
        : Json.object()
            .put("running", state.running())
            .put("since", state.since().toString())
            .put("until", state.until().toString())
            .put("seconds", state.length().toSeconds());
  }

  private ObjectNode summary(RouteDefinition route, RouteGraph graph) {
    String id = route.getRouteId();
    ObjectNode summary =
        Json.object()
            .put("id", id)
            .put("description", route.getDescription())
            .put("file", file(route))
            .put("from", RouteGraph.endpoint(route.getInput().getEndpointUri()))
            .put("inflight", context.getInflightRepository().size(id));
    calls(route, graph).forEach(summary.putArray("calls")::add);
    summary.set("figures", figures(meter.route(id)));
    return summary;
  }

  private Set<String> calls(RouteDefinition route, RouteGraph graph) {
    Set<String> calls = new TreeSet<>();
    RouteGraph.steps(route).forEach(step -> calls.addAll(callsOf(step, graph)));
    return calls;
  }

  private Set<String> callsOf(NamedNode step, RouteGraph graph) {
    Set<String> calls = graph.calls(step);
    calls.addAll(meter.calledBy(step.getId()));
    return calls;
  }

  private ArrayNode steps(NamedNode parent, RouteGraph graph) {
    ArrayNode list = Json.array();
    RouteGraph.within(parent)
        .forEach(step -> {
          ObjectNode node =
              list.addObject()
                  .put("id", step.getId())
                  .put("kind", step.getShortName())
                  .put("label", label(step))
                  .put("line", step.getLineNumber());
          callsOf(step, graph).forEach(node.putArray("calls")::add);
          node.set("figures", figures(meter.step(step.getId())));
          node.set("steps", steps(step, graph));
        });
    return list;
  }

  private static String label(NamedNode step) {
    String uri = RouteGraph.uri(step);
    if (!uri.isEmpty()) {
      return RouteGraph.endpoint(uri);
    }
    if (step instanceof ChoiceDefinition) {
      // Camel's label has all branches, which are shown as steps of their own.
      return "";
    }
    if (step instanceof CatchDefinition caught) {
      return String.join(", ", caught.getExceptions());
    }
    Matcher labelled = LABELLED.matcher(step.getLabel());
    String label = labelled.matches() ? labelled.group(1) : step.getLabel();
    return label.equals(step.getShortName()) ? "" : label;
  }

  private ObjectNode figures(RouteMeter.Figures figures) {
    if (figures == null) {
      return null;
    }
    double seconds = meter.state().length().toMillis() / 1000.0;
    return Json.object()
        .put("done", figures.done())
        .put("failed", figures.failed())
        .put("inflight", figures.inflight())
        .put("per_second", seconds > 0 ? figures.done() / seconds : 0)
        .put("mean_ms", millis(figures.mean()))
        .put("max_ms", millis(figures.most()))
        .put("last_ms", millis(figures.last()));
  }

  private static Double millis(Duration duration) {
    return duration == null ? null : duration.toNanos() / NANOS_OF_A_MILLISECOND;
  }

  /** The file's path in the folder of routes; null for a route from no file. */
  private static String file(RouteDefinition route) {
    if (route.getResource() == null) {
      return null;
    }
    Path file = Path.of(route.getResource().getLocation());
    String name = String.valueOf(file.getFileName());
    Path folder = file.getParent();
    return folder != null && folder.endsWith(RouteSettings.OPTIONAL)
        ? RouteSettings.OPTIONAL + "/" + name
        : name;
  }
}
