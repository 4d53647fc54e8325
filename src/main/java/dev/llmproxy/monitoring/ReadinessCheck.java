package dev.llmproxy.monitoring;

import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * One of Camel's health checks, for {@code GET /health/ready}. Camel finds it because it is a bean;
 * another bean of a class that implements {@link org.apache.camel.health.HealthCheck} is asked too.
 */
public final class ReadinessCheck extends AbstractHealthCheck {
  private final Supplier<Optional<String>> problem;

  /**
   * @param name what is checked, as the answer names it
   * @param problem why the server cannot serve requests, for everyone to read; empty when it can
   */
  public ReadinessCheck(String name, Supplier<Optional<String>> problem) {
    super("llmproxy", name);
    this.problem = problem;
  }

  @Override
  public boolean isLiveness() {
    return false;
  }

  @Override
  protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
    problem.get().ifPresentOrElse(why -> builder.down().message(why), builder::up);
  }
}
