package dev.llmproxy.monitoring;

import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Version;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.registry.otlp.OtlpConfig;
import io.micrometer.registry.otlp.OtlpMeterRegistry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * OpenTelemetry over OTLP, as the standard variables {@code OTEL_…} say. Off unless one of them
 * names an endpoint or an exporter; then nothing of it is created.
 */
public final class Telemetry {
  private static final String PREFIX = "OTEL_";
  private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
  private static final String PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL";
  private static final String HTTP = "http/protobuf";
  private static final String NAME = "llmproxy";

  private final Map<String, String> variables = new TreeMap<>();

  /**
   * @throws Settings.SettingException for a protocol that is not {@code http/protobuf}
   */
  public Telemetry(Settings settings) {
    settings
        .asMap()
        .forEach((name, value) -> {
          if (name.startsWith(PREFIX) && !value.isBlank()) {
            variables.put(name, value);
          }
        });
    for (String name : new String[] {PROTOCOL, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"}) {
      String protocol = variables.getOrDefault(name, HTTP);
      if (!protocol.equals(HTTP)) {
        throw new Settings.SettingException(
            "%s is \"%s\"; it must be %s: send to the collector's port for OTLP over HTTP, usually 4318"
                .formatted(name, protocol, HTTP));
      }
    }
  }

  /** The SDK for traces, as the variables configure it; empty when they ask for none. */
  Optional<OpenTelemetrySdk> traces() {
    if (!on("TRACES")) {
      return Optional.empty();
    }
    Map<String, String> properties = new TreeMap<>();
    properties.put("otel.exporter.otlp.protocol", HTTP);
    properties.put("otel.service.name", NAME);
    variables.forEach(
        (name, value) -> properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value));
    // Micrometer sends the metrics, and logs stay in the log.
    properties.put("otel.metrics.exporter", "none");
    properties.put("otel.logs.exporter", "none");
    return Optional.of(
        AutoConfiguredOpenTelemetrySdk.builder()
            .addPropertiesCustomizer(config -> properties)
            .setServiceClassLoader(Telemetry.class.getClassLoader())
            .disableShutdownHook()
            .build()
            .getOpenTelemetrySdk());
  }

  /** A registry that sends its metrics; empty when the variables ask for none. */
  Optional<MeterRegistry> metrics() {
    return on("METRICS")
        ? Optional.of(new OtlpMeterRegistry(new Config(), Clock.SYSTEM))
        : Optional.empty();
  }

  private boolean on(String signal) {
    String exporter = variables.get("OTEL_" + signal + "_EXPORTER");
    if ("true".equalsIgnoreCase(variables.get("OTEL_SDK_DISABLED"))) {
      return false;
    }
    return exporter != null
        ? exporter.equals("otlp")
        : variables.containsKey(ENDPOINT) || variables.containsKey(endpointOf(signal));
  }

  private static String endpointOf(String signal) {
    return "OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT";
  }

  /** What Micrometer does not read from the variables itself, or only from the process's own. */
  private final class Config implements OtlpConfig {
    @Override
    public String get(String key) {
      return null;
    }

    @Override
    public String url() {
      String own = variables.get(endpointOf("METRICS"));
      String all = variables.getOrDefault(ENDPOINT, "http://localhost:4318");
      return own == null ? (all.endsWith("/") ? all : all + "/") + "v1/metrics" : own;
    }

    @Override
    public Duration step() {
      return Duration.ofMillis(
          Long.parseLong(variables.getOrDefault("OTEL_METRIC_EXPORT_INTERVAL", "60000")));
    }

    @Override
    public TimeUnit baseTimeUnit() {
      return TimeUnit.SECONDS;
    }

    @Override
    public Map<String, String> resourceAttributes() {
      Map<String, String> attributes = new TreeMap<>(OtlpConfig.super.resourceAttributes());
      attributes.putIfAbsent("service.name", variables.getOrDefault("OTEL_SERVICE_NAME", NAME));
      attributes.putIfAbsent("service.version", Version.current());
      return attributes;
    }
  }
}
