package dev.llmproxy;

import io.vertx.core.http.HttpServerResponse;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePropertyKey;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ToDefinition;
import org.apache.camel.support.ExchangeHelper;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * A bean that the routes of a test call before each step. It counts the steps of one request and
 * runs an action before one of them.
 */
public final class StepFault {
  /** Ends the step before which it is thrown. */
  public static final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;

    Fault(String step) {
      super("Fault before " + step, null, false, false);
    }
  }

  private static final List<String> REACHED = new ArrayList<>();
  private static int target;
  private static Runnable action;
  private static HttpServerResponse response;
  private static volatile boolean done;

  /** Resets the state; the action runs before the nth step (from 1) of the next request. */
  static synchronized void arm(int step, Runnable whatToDo) {
    REACHED.clear();
    done = false;
    target = step;
    action = whatToDo;
  }

  /** The steps so far, each with its route and number. */
  static synchronized List<String> reached() {
    return List.copyOf(REACHED);
  }

  /** Whether Camel has finished the request. */
  static boolean done() {
    return done;
  }

  /** The response of the current request. */
  static synchronized HttpServerResponse response() {
    return response;
  }

  static void fail() {
    throw new Fault(reached().getLast());
  }

  private static boolean leadsToEnd(Exchange exchange) {
    String node = exchange.getProperty(ExchangePropertyKey.INTERCEPTED_NODE_ID, String.class);
    return exchange.getContext() instanceof ModelCamelContext model
        && model.getProcessorDefinition(node) instanceof ToDefinition to
        && to.getEndpointUri().equals("direct:call-end");
  }

  /** The routes call this before each step. */
  public void reach(Exchange exchange) {
    String route = ExchangeHelper.getAtRouteId(exchange);
    // Tools and background routes have exchanges of their own; the steps of the end cannot fail.
    if (!exchange.getFromRouteId().startsWith("api-")
        || route.equals("call-end")
        || leadsToEnd(exchange)) {
      return;
    }
    Runnable now;
    synchronized (StepFault.class) {
      if (REACHED.isEmpty()) {
        exchange
            .getExchangeExtension()
            .addOnCompletion(
                new SynchronizationAdapter() {
                  @Override
                  public void onDone(Exchange over) {
                    done = true;
                  }
                });
        response = exchange.getMessage(HttpMessage.class).getResponse();
      }
      REACHED.add(route + " " + (REACHED.size() + 1));
      now = REACHED.size() == target ? action : null;
    }
    if (now != null) {
      now.run();
    }
  }
}
