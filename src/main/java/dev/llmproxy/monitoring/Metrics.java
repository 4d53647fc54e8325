package dev.llmproxy.monitoring;

import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Version;
import dev.llmproxy.call.CallObserver;
import dev.llmproxy.call.RequestTrace;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmHeapPressureMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.vertx.core.Vertx;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The metrics of the server, for Prometheus. They belong to the application and not to its routes,
 * so they go on counting when routes are replaced.
 */
public final class Metrics implements AutoCloseable {
  /** The text format of Prometheus, version 0.0.4. */
  private static final String FORMAT = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry prometheus =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final MeterRegistry registry;
  private final RequestMetrics requests;
  private final RequestSpans spans;
  private final List<Runnable> closers = new ArrayList<>();

  /**
   * @param health the circuit breakers of the models
   * @param telemetry where metrics and traces are sent
   */
  public Metrics(ModelHealth health, Telemetry telemetry) {
    registry = telemetry.metrics().map(this::alsoTo).orElse(prometheus);
    spans = telemetry.traces().map(this::spans).orElse(null);
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

  private MeterRegistry alsoTo(MeterRegistry sending) {
    return new CompositeMeterRegistry(Clock.SYSTEM, List.of(prometheus, sending));
  }

  private RequestSpans spans(OpenTelemetrySdk sdk) {
    closers.add(sdk::close);
    return new RequestSpans(sdk.getTracer("llmproxy", Version.current()));
  }

  private void bind(MeterBinder binder) {
    binder.bindTo(registry);
  }

  /** Counts requests, and traces them if that is on. */
  public CallObserver requests() {
    return spans == null ? requests : CallObserver.both(spans, requests);
  }

  /** Begins the traces of requests. */
  public RequestTrace.Source traces() {
    return spans == null ? RequestTrace.Source.PASSING_ON : spans;
  }

  /**
   * The meters of the server's parts, which are added to it.
   *
   * @param clock the time of day, for ages
   */
  public ServerMetrics server(java.time.Clock clock) {
    return new ServerMetrics(registry, clock);
  }

  /** Measures the event loops from now on. */
  public void watch(Vertx vertx) {
    closers.add(new EventLoopDelay(vertx, registry)::close);
  }

  /** All metrics in the text format of Prometheus, in UTF-8. */
  public byte[] scrape() {
    return prometheus.scrape(FORMAT).getBytes(StandardCharsets.UTF_8);
  }

  /** Ends the measurements. */
  @Override
  public void close() {
    closers.forEach(Runnable::run);
    registry.close();
  }
}
