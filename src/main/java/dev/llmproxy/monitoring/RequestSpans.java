package dev.llmproxy.monitoring;

import dev.llmproxy.call.Call;
import dev.llmproxy.call.CallObserver;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.RequestRecord;
import dev.llmproxy.call.RequestTrace;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.error.ApiError;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Traces requests: a span for each request to a model, one for each attempt at a provider, and one
 * for each run of a tool. Attributes follow OpenTelemetry's semantic conventions for generative AI,
 * version 1.37.0, and never have a text, a key or an address of the caller.
 *
 * <p>These few places are enough. Camel's own tracing would make a span for each of the 60 steps of
 * a chat.
 */
public final class RequestSpans implements CallObserver, RequestTrace.Source {
  private static final AttributeKey<String> OPERATION =
      AttributeKey.stringKey("gen_ai.operation.name");
  private static final AttributeKey<String> PROVIDER =
      AttributeKey.stringKey("gen_ai.provider.name");
  private static final AttributeKey<String> REQUEST_MODEL =
      AttributeKey.stringKey("gen_ai.request.model");
  private static final AttributeKey<String> RESPONSE_MODEL =
      AttributeKey.stringKey("gen_ai.response.model");
  private static final AttributeKey<Long> INPUT = AttributeKey.longKey("gen_ai.usage.input_tokens");
  private static final AttributeKey<Long> OUTPUT =
      AttributeKey.longKey("gen_ai.usage.output_tokens");
  private static final AttributeKey<String> TOOL = AttributeKey.stringKey("gen_ai.tool.name");
  private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
  private static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
  private static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
  private static final AttributeKey<Long> HTTP_STATUS =
      AttributeKey.longKey("http.response.status_code");
  private static final AttributeKey<String> SERVER = AttributeKey.stringKey("server.address");
  private static final AttributeKey<String> REQUEST_ID =
      AttributeKey.stringKey("llmproxy.request.id");
  private static final AttributeKey<Double> COST = AttributeKey.doubleKey("llmproxy.cost_dollars");

  private static final int SERVER_ERROR = 500;

  private final Tracer tracer;
  private final W3CTraceContextPropagator headers = W3CTraceContextPropagator.getInstance();

  /**
   * @param tracer makes the spans
   */
  public RequestSpans(Tracer tracer) {
    this.tracer = tracer;
  }

  /** The spans of one request. Only its own thread uses them. */
  private final class Spans implements RequestTrace {
    private final Context client;
    private Span server;
    private Span attempt;

    Spans(Context client) {
      this.client = client;
    }

    Context parent() {
      return server == null ? client : client.with(server);
    }

    @Override
    public String id() {
      SpanContext span = Span.fromContext(parent()).getSpanContext();
      return span.isValid() ? span.getTraceId() : null;
    }

    @Override
    public void headers(BiConsumer<String, String> setter) {
      Context context = attempt == null ? parent() : client.with(attempt);
      headers.inject(context, setter, BiConsumer::accept);
    }
  }

  @Override
  public RequestTrace of(String traceparent, String tracestate) {
    if (traceparent == null) {
      return new Spans(Context.root());
    }
    Map<String, String> sent = new HashMap<>();
    sent.put(RequestTrace.TRACEPARENT, traceparent);
    if (tracestate != null) {
      sent.put(RequestTrace.TRACESTATE, tracestate);
    }
    return new Spans(headers.extract(Context.root(), sent, Sent.GETTER));
  }

  @Override
  public void began(RequestContext context) {
    if (context.trace() instanceof Spans spans) {
      spans.server = server(context, spans, Endpoint.of(context.reply().path()));
    }
  }

  private Span server(RequestContext context, Spans spans, Endpoint endpoint) {
    String method = context.reply().method();
    return tracer
        .spanBuilder(method + " " + endpoint.path())
        .setParent(spans.client)
        .setSpanKind(SpanKind.SERVER)
        .setStartTimestamp(context.started())
        .setAttribute(METHOD, method)
        .setAttribute(ROUTE, endpoint.path())
        .setAttribute(REQUEST_ID, context.requestId())
        .startSpan();
  }

  @Override
  public void asking(RequestContext context) {
    if (context.trace() instanceof Spans spans) {
      Call call = context.call();
      Target target = call.target();
      String operation = Endpoint.of(context.reply().path()).operation(call.type());
      spans.attempt =
          tracer
              .spanBuilder(operation + " " + target.upstreamModel())
              .setParent(spans.parent())
              .setSpanKind(SpanKind.CLIENT)
              .setAttribute(OPERATION, operation)
              .setAttribute(PROVIDER, target.provider().name())
              .setAttribute(REQUEST_MODEL, target.upstreamModel())
              .setAttribute(SERVER, host(target.provider().baseUrl()))
              .startSpan();
    }
  }

  /** The host of a provider's address; null for a model of this process. */
  private static String host(String baseUrl) {
    try {
      return baseUrl.isEmpty() ? null : URI.create(baseUrl).getHost();
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  @Override
  public void answering(RequestContext context) {
    if (context.trace() instanceof Spans spans && spans.attempt != null) {
      spans.attempt.addEvent("first content");
    }
  }

  @Override
  public void asked(RequestContext context, Duration duration, String error) {
    if (context.trace() instanceof Spans spans && spans.attempt != null) {
      if (error != null) {
        spans.attempt.setAttribute(ERROR, error).setStatus(StatusCode.ERROR);
      }
      spans.attempt.end();
      spans.attempt = null;
    }
  }

  @Override
  public void toolEnded(RequestContext context, String tool, boolean completed, Duration duration) {
    if (context.trace() instanceof Spans spans) {
      Span span =
          tracer
              .spanBuilder("execute_tool " + tool)
              .setParent(spans.parent())
              .setStartTimestamp(Instant.now().minus(duration))
              .setAttribute(OPERATION, "execute_tool")
              .setAttribute(TOOL, tool)
              .startSpan();
      if (!completed) {
        span.setAttribute(ERROR, "failed").setStatus(StatusCode.ERROR);
      }
      span.end();
    }
  }

  @Override
  public void ended(RequestContext context, RequestRecord record) {
    if (context.trace() instanceof Spans spans && spans.server != null) {
      Call call = context.call();
      Target target = call.target();
      spans
          .server
          .setAttribute(OPERATION, Endpoint.of(context.reply().path()).operation(call.type()))
          .setAttribute(PROVIDER, target.provider().name())
          .setAttribute(RESPONSE_MODEL, target.upstreamModel())
          .setAttribute(INPUT, record.inputTokens())
          .setAttribute(OUTPUT, record.outputTokens());
      if (record.cost() != null) {
        spans.server.setAttribute(COST, record.cost().doubleValue());
      }
      if (record.status() != Status.SUCCESS) {
        spans.server.setAttribute(ERROR, record.code() == null ? "cancelled" : record.code());
      }
      end(spans.server, record.httpStatus(), record.status() == Status.ERROR);
      spans.server = null;
    }
  }

  @Override
  public void refused(ApiError error, RequestContext context, String path) {
    if (context != null && context.trace() instanceof Spans spans) {
      Endpoint endpoint = Endpoint.of(path);
      if (!endpoint.isOfModels()) {
        return;
      }
      Span span = spans.server == null ? server(context, spans, endpoint) : spans.server;
      span.setAttribute(ERROR, error.codeOrType());
      end(span, error.status(), error.status() >= SERVER_ERROR);
      spans.server = null;
    }
  }

  private static void end(Span span, int status, boolean failed) {
    span.setAttribute(HTTP_STATUS, (long) status);
    if (failed) {
      span.setStatus(StatusCode.ERROR);
    }
    span.end();
  }

  private enum Sent implements TextMapGetter<Map<String, String>> {
    GETTER;

    // Not called by the propagator, but still abstract.
    @SuppressWarnings("deprecation")
    @Override
    public Iterable<String> keys(Map<String, String> carrier) {
      return carrier.keySet();
    }

    @Override
    public String get(Map<String, String> carrier, String key) {
      return carrier == null ? null : carrier.get(key);
    }
  }
}
