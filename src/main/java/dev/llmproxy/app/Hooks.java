package dev.llmproxy.app;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.LoggingLevel;
import org.apache.camel.model.LogDefinition;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;

/**
 * Whether an installation has steps of its own in the routes {@code hook-request} and {@code
 * hook-settled}. As shipped they only log at TRACE; calling one for each request takes 3 % of the
 * processor time.
 */
public final class Hooks implements CamelContextAware {
  private final Map<String, Boolean> changed = new ConcurrentHashMap<>();
  private CamelContext context;

  @Override
  public void setCamelContext(CamelContext camelContext) {
    context = camelContext;
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  /** Whether {@code hook-request} has a step other than the one it is shipped with. */
  public boolean request() {
    return changed("hook-request");
  }

  /** Whether {@code hook-settled} has a step other than the one it is shipped with. */
  public boolean settled() {
    return changed("hook-settled");
  }

  private boolean changed(String route) {
    return changed.computeIfAbsent(route, this::differs);
  }

  private boolean differs(String route) {
    RouteDefinition definition = ((ModelCamelContext) context).getRouteDefinition(route);
    return definition == null
        || !definition.getOutputs().stream()
            // Camel puts the onException of the route's configuration among the steps.
            .filter(step -> !step.isAbstract())
            .allMatch(Hooks::shipped);
  }

  private static boolean shipped(ProcessorDefinition<?> step) {
    return step instanceof LogDefinition log
        && LoggingLevel.TRACE.name().equals(log.getLoggingLevel());
  }
}
