package dev.llmproxy.monitoring;

import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.call.CallObserver;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmHeapPressureMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/**
 * The metrics of the server, for Prometheus. They belong to the application and not to its routes,
 * so they go on counting when routes are replaced.
 */
public final class Metrics implements AutoCloseable {
  /** The text format of Prometheus, version 0.0.4. */
  private static final String FORMAT = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final RequestMetrics requests;
  private final List<Runnable> closers = new ArrayList<>();

  /**
   * @param health the circuit breakers of the models
   */
  public Metrics(ModelHealth health) {
    requests = new RequestMetrics(registry, health);
    bind(new JvmMemoryMetrics());
    JvmGcMetrics collections = new JvmGcMetrics();
    bind(collections);
    closers.add(collections::close);
    JvmHeapPressureMetrics pressure = new JvmHeapPressureMetrics();
    bind(pressure);
    closers.add(pressure::close);
    bind(new JvmThreadMetrics());
    bind(new ProcessorMetrics());
    bind(new FileDescriptorMetrics());
    bind(new UptimeMetrics());
  }

  private void bind(MeterBinder binder) {
    binder.bindTo(registry);
  }

  /** Counts requests. */
  public CallObserver requests() {
    return requests;
  }

  /**
   * The meters of the server's parts, which are added to it.
   *
   * @param clock the time of day, for ages
   */
  public ServerMetrics server(Clock clock) {
    return new ServerMetrics(registry, clock);
  }

  /** Measures the event loops from now on. */
  public void watch(Vertx vertx) {
    closers.add(new EventLoopDelay(vertx, registry)::close);
  }

  /** All metrics in the text format of Prometheus, in UTF-8. */
  public byte[] scrape() {
    return registry.scrape(FORMAT).getBytes(StandardCharsets.UTF_8);
  }

  /** Ends the measurements. */
  @Override
  public void close() {
    closers.forEach(Runnable::run);
    registry.close();
  }
}
