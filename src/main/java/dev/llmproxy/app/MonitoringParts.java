package dev.llmproxy.app;

import dev.llmproxy.admin.AdminRoles;
import dev.llmproxy.monitoring.HealthReport;
import dev.llmproxy.monitoring.Metrics;
import dev.llmproxy.monitoring.MonitoringGate;
import dev.llmproxy.monitoring.ReadinessCheck;
import dev.llmproxy.monitoring.ServerReport;
import java.util.Optional;

/** The parts of health and metrics for beans.camel.yaml, as {@link Parts}. */
public final class MonitoringParts {
  private MonitoringParts() {}

  /** Created for the routes. */
  public static MonitoringGate monitoringGate(Application application) {
    return new MonitoringGate(
        application.values().monitoring(), AdminRoles.admins(application.values().admin()));
  }

  public static Metrics metrics(Application application) {
    return application.metrics();
  }

  /** Created for the routes. */
  public static HealthReport healthReport(Application application) {
    return new HealthReport(
        application.modelHealth(),
        application.limitStore()::state,
        monitoringGate(application),
        new ServerReport(
            application.keyDirectory(),
            application.ledger(),
            application.usageMeter(),
            application.usageFlush(),
            application.clock()));
  }

  /** Created for a CamelContext. */
  public static ReadinessCheck serverCheck(Application application) {
    return new ReadinessCheck(
        "server",
        () -> application.isStopping() ? Optional.of("The server is stopping.") : Optional.empty());
  }

  /** Created for a CamelContext. */
  public static ReadinessCheck keysCheck(Application application) {
    return new ReadinessCheck(
        "keys",
        () ->
            application.keyDirectory().loaded()
                ? Optional.empty()
                : Optional.of(
                    application.keyDirectory().readAt().isEmpty()
                        ? "The API keys have not been read yet."
                        : "The API keys could not be read for too long."));
  }

  /** Created for a CamelContext. */
  public static ReadinessCheck ledgerCheck(Application application) {
    return new ReadinessCheck(
        "ledger",
        () ->
            application.ledger().works()
                ? Optional.empty()
                : Optional.of("The ledger cannot be written, so requests are refused."));
  }
}
