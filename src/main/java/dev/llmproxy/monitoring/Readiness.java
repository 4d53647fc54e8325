package dev.llmproxy.monitoring;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckHelper;

/**
 * The answer of {@code GET /health/ready}: whether the server can serve requests. A failing
 * provider or workbook does not make it unready: another server would fare no better.
 */
public final class Readiness {
  private static final int UNAVAILABLE = 503;

  /** A check that has failed, with the reason for people. */
  record Reason(String check, String why) {}

  /** The checks of a context that have failed; empty when the server is ready. */
  static List<Reason> reasons(CamelContext context) {
    return HealthCheckHelper.invokeReadiness(context).stream()
        .filter(result -> result.getState() != HealthCheck.State.UP)
        .map(result ->
            new Reason(result.getCheck().getId(), result.getMessage().orElse("The check fails.")))
        .toList();
  }

  /** Sets the status, 200 or 503, and returns the answer as JSON in UTF-8. */
  public byte[] answer(Exchange exchange) {
    List<Reason> reasons = reasons(exchange.getContext());
    if (reasons.isEmpty()) {
      return Json.bytes(Json.object().put("status", "ready"));
    }
    exchange.getMessage().setHeader(Exchange.HTTP_RESPONSE_CODE, UNAVAILABLE);
    ObjectNode answer = Json.object().put("status", "unready");
    ArrayNode list = answer.putArray("reasons");
    reasons.forEach(
        reason -> list.addObject().put("check", reason.check()).put("reason", reason.why()));
    return Json.bytes(answer);
  }
}
