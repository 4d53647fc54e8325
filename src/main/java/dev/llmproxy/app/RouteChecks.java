package dev.llmproxy.app;

import dev.llmproxy.admin.RouteGraph;
import dev.llmproxy.base.Problem;
import dev.llmproxy.tool.ToolCatalogue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.NamedNode;
import org.apache.camel.model.RouteDefinition;

/** Finds mistakes in routes that Camel accepts: calls of no route, two routes for one request. */
final class RouteChecks {
  private static final Pattern DIRECT = Pattern.compile("direct:(?://)?([^?]+)(\\?.*)?");
  private static final Pattern SERVED = Pattern.compile("platform-http:(?://)?([^?]+)(?:\\?(.*))?");
  private static final Pattern METHODS = Pattern.compile("(?:^|&)httpMethodRestrict=([^&]*)");

  private final CamelContext context;
  private final List<RouteDefinition> routes;
  private final Set<String> unread;

  /**
   * @param context resolves placeholders
   * @param routes all routes that could be read
   * @param unread the names of the files that could not be read, without their ending
   */
  RouteChecks(CamelContext context, List<RouteDefinition> routes, Set<String> unread) {
    this.context = context;
    this.routes = routes;
    this.unread = unread;
  }

  /** The problems of all routes together. */
  List<Problem> run() {
    List<Problem> problems = new ArrayList<>();
    if (routes.stream().noneMatch(route -> SERVED.matcher(uri(route)).matches())) {
      problems.add(new Problem(null, 0, "no route in routes/ serves requests"));
    }
    callsOfNoRoute(problems);
    samePaths(problems);
    for (ToolCatalogue tools : context.getRegistry().findByType(ToolCatalogue.class)) {
      tools.problems().forEach(problem -> problems.add(Problem.of(problem)));
    }
    return problems;
  }

  private void callsOfNoRoute(List<Problem> problems) {
    Set<String> names = new HashSet<>(unread);
    for (RouteDefinition route : routes) {
      Matcher direct = DIRECT.matcher(uri(route));
      if (direct.matches()) {
        names.add(direct.group(1));
      }
    }
    for (RouteDefinition route : routes) {
      for (NamedNode step : RouteGraph.steps(route).toList()) {
        Matcher direct = DIRECT.matcher(resolved(RouteGraph.uri(step)));
        if (direct.matches()
            && !direct.group(1).contains("${")
            && !String.valueOf(direct.group(2)).contains("failIfNoConsumers=false")
            && !names.contains(direct.group(1))) {
          problems.add(
              new Problem(
                  RouteFiles.file(route),
                  Math.max(0, step.getLineNumber()),
                  "no route starts from direct:" + direct.group(1)));
        }
      }
    }
  }

  private void samePaths(List<Problem> problems) {
    Map<String, Map<RouteDefinition, Set<String>>> byPath = new LinkedHashMap<>();
    for (RouteDefinition route : routes) {
      Matcher served = SERVED.matcher(uri(route));
      if (served.matches()) {
        byPath
            .computeIfAbsent(served.group(1), path -> new LinkedHashMap<>())
            .put(route, methods(served.group(2)));
      }
    }
    byPath.forEach((path, ofPath) -> {
      Map<String, RouteDefinition> first = new LinkedHashMap<>();
      ofPath.forEach((route, methods) -> {
        for (String method : methods) {
          RouteDefinition other = first.putIfAbsent(method, route);
          if (other != null) {
            problems.add(
                new Problem(
                    RouteFiles.file(route),
                    Math.max(0, route.getLineNumber()),
                    "%s %s is also served by the route %s"
                        .formatted(method, path, other.getRouteId())));
            return;
          }
        }
      });
    });
  }

  private static Set<String> methods(String parameters) {
    Matcher methods = METHODS.matcher(String.valueOf(parameters));
    return methods.find()
        ? new TreeSet<>(Arrays.asList(methods.group(1).toUpperCase(Locale.ROOT).split(",")))
        : Set.of("any method of");
  }

  private String uri(RouteDefinition route) {
    return resolved(route.getInput().getEndpointUri());
  }

  private String resolved(String uri) {
    try {
      return context.resolvePropertyPlaceholders(uri);
    } catch (IllegalArgumentException e) {
      // Camel reports it when it builds the route.
      return uri;
    }
  }
}
