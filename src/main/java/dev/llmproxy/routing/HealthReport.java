package dev.llmproxy.routing;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import java.util.List;
import java.util.function.Supplier;
import org.apache.camel.ExchangeProperty;

/** The answer of {@code GET /health}; docs/routing.md describes it. */
public final class HealthReport {
  private static final String CLOSED = "closed";

  private final ModelHealth health;
  private final Supplier<String> limits;

  /**
   * @param limits the state of the store of limits, as text for people; null when it cannot fail
   */
  public HealthReport(ModelHealth health, Supplier<String> limits) {
    this.health = health;
    this.limits = limits;
  }

  /**
   * The report as JSON in UTF-8; only callers with a key get the models, and only those that they
   * may use by their own names.
   */
  public byte[] report(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    List<ModelHealth.View> views = health.views();
    String store = limits.get();
    boolean ok =
        views.stream().allMatch(view -> view.breaker().equals(CLOSED))
            && (store == null || store.equals("redis"));
    ObjectNode report = Json.object().put("status", ok ? "ok" : "degraded");
    if (store != null) {
      report.put("limits", store);
    }
    if (context.caller() != null) {
      ArrayNode models = report.putArray("models");
      views.stream()
          .filter(view -> context.caller().mayUse(view.model()))
          .forEach(view -> models.add(view.toJson()));
    }
    return Json.bytes(report);
  }
}
