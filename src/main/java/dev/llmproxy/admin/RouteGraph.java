package dev.llmproxy.admin;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.NamedNode;
import org.apache.camel.model.ChoiceDefinition;
import org.apache.camel.model.CircuitBreakerDefinition;
import org.apache.camel.model.EndpointRequiredDefinition;
import org.apache.camel.model.OnExceptionDefinition;
import org.apache.camel.model.OutputNode;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SetPropertyDefinition;
import org.apache.camel.model.ToDynamicDefinition;
import org.apache.camel.model.TryDefinition;
import org.apache.camel.model.language.ConstantExpression;

/**
 * Which route calls which, as far as their files say it. A step may name the route ({@code
 * direct:gate-admin}), a property that other steps set to a route ({@code
 * direct:${exchangeProperty.sink}}), or in its description the beginning of the routes' names
 * ({@code direct:provider-…}).
 */
public final class RouteGraph {
  private static final Pattern DIRECT = Pattern.compile("direct:(?://)?([\\w.-]+)");
  private static final Pattern OF_PROPERTY =
      Pattern.compile("direct:\\$\\{exchangeProperty\\.(\\w+)}");
  private static final Pattern FAMILY = Pattern.compile("direct:([\\w-]+-)…");

  /** The routes by the name of their {@code direct:} endpoint. */
  private final Map<String, String> byName = new TreeMap<>();

  private final Map<String, Set<String>> constants = new TreeMap<>();

  RouteGraph(Collection<RouteDefinition> routes) {
    for (RouteDefinition route : routes) {
      Matcher from = DIRECT.matcher(endpoint(route.getInput().getEndpointUri()));
      if (from.matches()) {
        byName.put(from.group(1), route.getRouteId());
      }
      steps(route)
          .filter(SetPropertyDefinition.class::isInstance)
          .map(SetPropertyDefinition.class::cast)
          .filter(step -> step.getExpression() instanceof ConstantExpression)
          .forEach(step ->
              constants
                  .computeIfAbsent(step.getName(), name -> new TreeSet<>())
                  .add(step.getExpression().getExpression()));
    }
  }

  /** The routes that a step calls, or may call; empty for steps that call none. */
  Set<String> calls(NamedNode step) {
    Set<String> called = new TreeSet<>();
    String uri = uri(step);
    Matcher direct = DIRECT.matcher(endpoint(uri));
    Matcher property = OF_PROPERTY.matcher(endpoint(uri));
    if (direct.matches()) {
      add(called, direct.group(1));
    } else if (property.matches()) {
      constants.getOrDefault(property.group(1), Set.of()).forEach(name -> add(called, name));
    } else if (step.getDescriptionText() != null) {
      Matcher family = FAMILY.matcher(step.getDescriptionText());
      if (family.find()) {
        byName.forEach((name, route) -> {
          if (name.startsWith(family.group(1))) {
            called.add(route);
          }
        });
        called.remove(routeOf(step));
      }
    }
    return called;
  }

  /** All steps of a route, each before the steps in it. */
  public static Stream<NamedNode> steps(RouteDefinition route) {
    return within(route).flatMap(RouteGraph::withThoseIn);
  }

  private static Stream<NamedNode> withThoseIn(NamedNode step) {
    return Stream.concat(Stream.of(step), within(step).flatMap(RouteGraph::withThoseIn));
  }

  /**
   * The steps in a route or step, such as the branches of a choice, without those of
   * errors.camel.yaml.
   */
  static Stream<NamedNode> within(NamedNode step) {
    List<NamedNode> all = new ArrayList<>();
    switch (step) {
      // The outputs of a choice are the steps in its branches.
      case ChoiceDefinition choice -> {
        all.addAll(choice.getWhenClauses());
        all.add(choice.getOtherwise());
      }
      case TryDefinition attempt -> {
        all.addAll(attempt.getOutputsWithoutCatches());
        all.addAll(attempt.getCatchClauses());
        all.add(attempt.getFinallyClause());
      }
      case CircuitBreakerDefinition breaker -> {
        all.addAll(breaker.getOutputs());
        all.add(breaker.getOnFallback());
      }
      case OutputNode node -> all.addAll(node.getOutputs());
      default -> {}
    }
    return all.stream().filter(one -> one != null && !(one instanceof OnExceptionDefinition));
  }

  /** An endpoint without its parameters. Placeholders stay as they are. */
  static String endpoint(String uri) {
    int parameters = uri.indexOf('?');
    return parameters < 0 ? uri : uri.substring(0, parameters);
  }

  /** The endpoint of a step, with its parameters; empty for a step without one. */
  public static String uri(NamedNode step) {
    String uri =
        step instanceof ToDynamicDefinition dynamic
            ? dynamic.getUri()
            : step instanceof EndpointRequiredDefinition named ? named.getEndpointUri() : null;
    return uri == null ? "" : uri;
  }

  private void add(Set<String> called, String name) {
    if (byName.containsKey(name)) {
      called.add(byName.get(name));
    }
  }

  private static String routeOf(NamedNode step) {
    NamedNode parent = step;
    while (parent != null && !(parent instanceof RouteDefinition)) {
      parent = parent.getParent();
    }
    return parent == null ? "" : parent.getId();
  }
}
