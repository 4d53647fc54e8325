package dev.llmproxy.app;

import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.LoggingLevel;
import org.apache.camel.model.LogDefinition;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;

/**
 * Whether an installation has steps of its own in the route {@code hook-settled}. As shipped it
 * only logs at TRACE; calling it for each request takes 3 % of the processor time.
 */
public final class Hooks implements CamelContextAware {
  private static final String SETTLED = "hook-settled";

  private CamelContext context;
  private volatile Boolean settled;

  @Override
  public void setCamelContext(CamelContext camelContext) {
    context = camelContext;
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  /** Whether {@code hook-settled} has a step other than the one it is shipped with. */
  public boolean settled() {
    Boolean known = settled;
    if (known == null) {
      RouteDefinition route = ((ModelCamelContext) context).getRouteDefinition(SETTLED);
      known = route == null || !route.getOutputs().stream().allMatch(Hooks::shipped);
      settled = known;
    }
    return known;
  }

  private static boolean shipped(ProcessorDefinition<?> step) {
    return step instanceof LogDefinition log
        && LoggingLevel.TRACE.name().equals(log.getLoggingLevel());
  }
}
