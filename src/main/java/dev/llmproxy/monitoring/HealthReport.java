package dev.llmproxy.monitoring;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import java.util.List;
import java.util.function.Supplier;
import org.apache.camel.ExchangeProperty;

/**
 * The answer of {@code GET /health}; docs/monitoring.md describes it. Anyone gets the status;
 * callers with a key the models that they may use; operators the state of the server.
 */
public final class HealthReport {
  private static final String CLOSED = "closed";

  private final ModelHealth health;
  private final Supplier<String> limits;
  private final MonitoringGate gate;
  private final ServerReport server;

  /**
   * @param limits the state of the store of limits, as text for people; null when it cannot fail
   * @param gate decides who is an operator
   */
  public HealthReport(
      ModelHealth health, Supplier<String> limits, MonitoringGate gate, ServerReport server) {
    this.health = health;
    this.limits = limits;
    this.gate = gate;
    this.server = server;
  }

  /** The report as JSON in UTF-8. */
  public byte[] report(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    List<ModelHealth.View> views = health.views();
    String store = limits.get();
    boolean operator = gate.isOperator(context);
    boolean ok =
        views.stream().allMatch(view -> view.breaker().equals(CLOSED))
            && (store == null || store.equals("redis"));
    ObjectNode report = Json.object().put("status", ok ? "ok" : "degraded");
    if (store != null) {
      report.put("limits", store);
    }
    if (context.caller() != null || operator) {
      ArrayNode models = report.putArray("models");
      views.stream()
          .filter(view -> operator || context.caller().mayUse(view.model()))
          .forEach(view -> models.add(view.toJson()));
    }
    if (operator) {
      report.set("server", server.report());
    }
    return Json.bytes(report);
  }
}
