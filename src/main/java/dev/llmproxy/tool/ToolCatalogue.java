package dev.llmproxy.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Endpoint;
import org.apache.camel.Route;
import org.apache.camel.StartupListener;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SetPropertyDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tools of a CamelContext: the routes {@code tool-*} and the tools of MCP servers. The name of
 * a tool is the route's id without {@code tool-}, with _ in place of -. The description of the tool
 * is the description of the route. The first step of the route sets the property {@code parameters}
 * to the JSON Schema of the arguments, in JSON or YAML. An invalid declaration fails the start.
 */
public final class ToolCatalogue implements CamelContextAware, StartupListener {
  private static final String PREFIX = "tool-";
  private static final String PARAMETERS = "parameters";
  private static final Logger LOG = LoggerFactory.getLogger(ToolCatalogue.class);
  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private CamelContext context;
  private final ToolSource others;
  private final String othersEndpoint;
  private volatile State state = new State(Map.of(), List.of(), Map.of());

  /** A tool, and the endpoint that executes its calls. */
  private record Entry(Tool tool, Endpoint endpoint) {}

  /** The entries by tool name, and the routes (by id) and tools they were read from. */
  private record State(Map<String, Route> routes, List<Tool> others, Map<String, Entry> entries) {}

  /**
   * @param others tools that have no route of their own
   * @param othersEndpoint executes the calls of those tools
   */
  public ToolCatalogue(ToolSource others, String othersEndpoint) {
    this.others = others;
    this.othersEndpoint = othersEndpoint;
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  @Override
  public void setCamelContext(CamelContext camelContext) {
    if (camelContext.equals(context)) {
      return;
    }
    context = camelContext;
    try {
      context.addStartupListener(this);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Reads all declarations after the routes were loaded.
   *
   * @throws IllegalArgumentException when a declaration is invalid; names its file
   */
  @Override
  public void onCamelContextStarted(CamelContext started, boolean alreadyStarted) {
    tools();
  }

  /**
   * All current tools, sorted by name. Routes and MCP servers may come and go.
   *
   * @throws IllegalArgumentException when a declaration is invalid; names its file
   */
  public Collection<Tool> tools() {
    return entries().values().stream().map(Entry::tool).toList();
  }

  /** What is wrong with each invalid declaration of a tool, with its file and a colon in front. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    for (RouteDefinition route : ((ModelCamelContext) context).getRouteDefinitions()) {
      if (route.getRouteId().startsWith(PREFIX)) {
        try {
          new Tool(name(route), route.getDescriptionText(), parameters(route));
        } catch (IllegalArgumentException e) {
          problems.add(file(route).replaceFirst("^file:", "") + ": " + e.getMessage());
        }
      }
    }
    return problems;
  }

  /** The tool with a name. */
  public Optional<Tool> find(String name) {
    return Optional.ofNullable(entries().get(name)).map(Entry::tool);
  }

  /** The endpoint that executes a tool's calls. Calls of a removed tool fail there. */
  Endpoint endpoint(Tool tool) {
    Entry entry = entries().get(tool.name());
    return entry == null ? context.getEndpoint(othersEndpoint) : entry.endpoint();
  }

  private Map<String, Entry> entries() {
    Map<String, Route> routes =
        context.getRoutes().stream()
            .filter(route -> route.getRouteId().startsWith(PREFIX))
            .collect(Collectors.toMap(Route::getRouteId, route -> route));
    List<Tool> tools = others.tools();
    State known = state;
    if (!known.others().equals(tools) || !known.routes().equals(routes)) {
      known = new State(routes, tools, read(routes.values(), tools));
      state = known;
    }
    return known.entries();
  }

  private Map<String, Entry> read(Collection<Route> routes, Collection<Tool> withoutRoute) {
    Map<String, Entry> read = new TreeMap<>();
    for (Route route : routes) {
      RouteDefinition definition =
          ((ModelCamelContext) context).getRouteDefinition(route.getRouteId());
      Tool tool = declared(definition);
      if (read.put(tool.name(), new Entry(tool, route.getEndpoint())) != null) {
        throw wrong(definition, "there is another tool named " + tool.name(), null);
      }
    }
    for (Tool tool : withoutRoute) {
      Entry entry = new Entry(tool, context.getEndpoint(othersEndpoint));
      if (read.putIfAbsent(tool.name(), entry) != null) {
        LOG.warn(
            "The tool {} of an MCP server is ignored because a route has the same name",
            tool.name());
      }
    }
    return read;
  }

  private static Tool declared(RouteDefinition route) {
    try {
      return new Tool(name(route), route.getDescriptionText(), parameters(route));
    } catch (IllegalArgumentException e) {
      throw wrong(route, e.getMessage(), e);
    }
  }

  private static String name(RouteDefinition route) {
    return route.getRouteId().substring(PREFIX.length()).replace('-', '_');
  }

  private static String file(RouteDefinition route) {
    return route.getResource() == null ? "?" : route.getResource().getLocation();
  }

  private static JsonNode parameters(RouteDefinition route) {
    // Camel puts the route configurations' onException before the steps.
    ProcessorDefinition<?> first =
        route.getOutputs().stream().filter(step -> !step.isAbstract()).findFirst().orElse(null);
    if (!(first instanceof SetPropertyDefinition property)
        || !PARAMETERS.equals(property.getName())) {
      throw new IllegalArgumentException(
          "its first step must set the property parameters to the JSON schema of its arguments");
    }
    try {
      return YAML.readTree(property.getExpression().getExpression());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "its parameters are neither JSON nor YAML: " + e.getOriginalMessage(), e);
    }
  }

  private static IllegalArgumentException wrong(
      RouteDefinition route, String problem, Exception cause) {
    return new IllegalArgumentException(
        "The tool %s in %s cannot be used: %s.".formatted(route.getRouteId(), file(route), problem),
        cause);
  }
}
