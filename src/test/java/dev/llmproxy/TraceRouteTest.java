package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.emulator.RecordedRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Traces of clients go on to providers, and to a collector of OpenTelemetry if there is one. */
class TraceRouteTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String PARENT = "00f067aa0ba902b7";
  private static final String TRACEPARENT = "00-" + TRACE + "-" + PARENT + "-01";

  @TempDir private static Path data;
  private static Collector collector;
  private static Gateway plain;
  private static Gateway traced;
  private static String plainKey;
  private static String tracedKey;

  @BeforeAll
  static void start() throws IOException {
    collector = new Collector();
    plain = Gateway.start(data.resolve("a"));
    traced =
        Gateway.start(
            data.resolve("b"),
            Map.of(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                collector.url(),
                "OTEL_BSP_SCHEDULE_DELAY",
                "100",
                "OTEL_METRIC_EXPORT_INTERVAL",
                "500"));
    plainKey = plain.createKey("plain@example.com");
    tracedKey = traced.createKey("traced@example.com");
  }

  @AfterAll
  static void stop() {
    plain.close();
    traced.close();
    collector.close();
  }

  @Wire("16.trace")
  @Test
  void traceOfTheClientGoesOnToTheProviderWithoutItsBaggage() {
    ask(plain, plainKey, TRACEPARENT);

    RecordedRequest asked = plain.provider().requests().getLast();
    assertThat(asked.header("traceparent")).isEqualTo(TRACEPARENT);
    assertThat(asked.header("tracestate")).isEqualTo("vendor=1");
    assertThat(asked.header("baggage")).isEmpty();
  }

  @Wire("16.trace")
  @Test
  void traceThatIsNotValidDoesNotGoOn() {
    for (String wrong :
        List.of("x", "00-" + "0".repeat(32) + "-" + PARENT + "-01", TRACEPARENT + "-more")) {
      ask(plain, plainKey, wrong);

      RecordedRequest asked = plain.provider().requests().getLast();
      assertThat(asked.header("traceparent")).isEmpty();
      assertThat(asked.header("tracestate")).isEmpty();
    }
  }

  @Wire("16.trace")
  @Test
  void requestHasASpanAndSoHaveItsAttemptsAndTools() {
    ask(traced, tracedKey, TRACEPARENT);
    RecordedRequest asked = traced.provider().requests().getLast();

    Span server = span("POST /v1/chat/completions", TRACE);
    Span attempt = span("chat scripted", TRACE);
    assertThat(hex(server.getParentSpanId())).isEqualTo(PARENT);
    assertThat(server.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
    assertThat(attempt.getParentSpanId()).isEqualTo(server.getSpanId());
    assertThat(attempt.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_CLIENT);
    assertThat(asked.header("traceparent"))
        .isEqualTo("00-" + TRACE + "-" + hex(attempt.getSpanId()) + "-01");
    assertThat(asked.header("tracestate")).isEqualTo("vendor=1");
    assertThat(attributes(attempt))
        .containsEntry("gen_ai.operation.name", "chat")
        .containsEntry("gen_ai.provider.name", "openai")
        .containsEntry("gen_ai.request.model", "scripted")
        .containsEntry("server.address", "127.0.0.1");
    assertThat(attributes(server))
        .containsEntry("http.response.status_code", "200")
        .containsEntry("gen_ai.response.model", "scripted")
        .containsKeys("gen_ai.usage.input_tokens", "llmproxy.request.id");
    assertThat(server.toString() + attempt)
        .doesNotContain("secret words", "traced@example.com", tracedKey);
  }

  @Test
  void toolAndFailuresHaveSpans() {
    new ToolChats(traced, tracedKey)
        .stream(
            ToolChats.request(
                ToolChats.script("calculator {\"expression\": \"6*7\"}"), ToolChats.CALCULATOR));
    traced.chat(tracedKey, "openai/scripted-down", false, "Hi");

    assertThat(attributes(span("execute_tool calculator", null)))
        .containsEntry("gen_ai.tool.name", "calculator");
    assertThat(attributes(span("chat scripted-down", null)))
        .containsEntry("error.type", "upstream_error");
  }

  @Test
  void metricsAreSentToo() {
    Awaitility.await().until(() -> collector.metric("llmproxy.ledger.up"));
    Awaitility.await().until(() -> collector.metric("gen_ai.server.request.duration"));
    assertThat(traced.get("/metrics", null).body()).contains("gen_ai_server_request_duration");
  }

  @Test
  void protocolThatIsNotSupportedStopsTheStart(@TempDir Path own) {
    Map<String, String> settings =
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317",
            "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

    assertThatThrownBy(() -> Gateway.start(own, settings))
        .hasMessageContaining("OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\"; it must be http/protobuf");
  }

  private static void ask(Gateway gateway, String key, String traceparent) {
    HttpResponse<String> answer =
        gateway.send(
            gateway
                .request("/v1/chat/completions", key)
                .header("traceparent", traceparent)
                .header("tracestate", "vendor=1")
                .header("baggage", "user=ann")
                .POST(
                    HttpRequest.BodyPublishers.ofString(
                        "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":\"secret words\"}]}"))
                .build());
    assertThat(answer.statusCode()).isEqualTo(200);
  }

  private static Span span(String name, String trace) {
    return Awaitility.await()
        .until(
            () ->
                collector.spans.stream()
                    .filter(span -> span.getName().equals(name))
                    .filter(span -> trace == null || hex(span.getTraceId()).equals(trace))
                    .findFirst(),
            java.util.Optional::isPresent)
        .orElseThrow();
  }

  private static String hex(com.google.protobuf.ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  private static Map<String, String> attributes(Span span) {
    return span.getAttributesList().stream()
        .collect(Collectors.toMap(KeyValue::getKey, one -> text(one.getValue())));
  }

  private static String text(AnyValue value) {
    return switch (value.getValueCase()) {
      case INT_VALUE -> Long.toString(value.getIntValue());
      case DOUBLE_VALUE -> Double.toString(value.getDoubleValue());
      default -> value.getStringValue();
    };
  }

  /** A stand-in for OpenTelemetry's collector: OTLP over HTTP. */
  private static final class Collector {
    private final Queue<Span> spans = new ConcurrentLinkedQueue<>();
    private final Queue<String> metrics = new ConcurrentLinkedQueue<>();
    private final HttpServer server;

    Collector() throws IOException {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext(
          "/",
          exchange -> {
            try (InputStream sent = body(exchange)) {
              if (exchange.getRequestURI().getPath().equals("/v1/traces")) {
                ExportTraceServiceRequest.parseFrom(sent).getResourceSpansList().stream()
                    .flatMap(resource -> resource.getScopeSpansList().stream())
                    .forEach(scope -> spans.addAll(scope.getSpansList()));
              } else {
                ExportMetricsServiceRequest.parseFrom(sent).getResourceMetricsList().stream()
                    .flatMap(resource -> resource.getScopeMetricsList().stream())
                    .flatMap(scope -> scope.getMetricsList().stream())
                    .map(Metric::getName)
                    .forEach(metrics::add);
              }
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
          });
      server.start();
    }

    private static InputStream body(com.sun.net.httpserver.HttpExchange exchange)
        throws IOException {
      boolean zipped = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
      return zipped ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody();
    }

    String url() {
      return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    boolean metric(String name) {
      return metrics.contains(name);
    }

    void close() {
      server.stop(0);
    }
  }
}
