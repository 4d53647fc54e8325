package dev.llmproxy.call;

import dev.llmproxy.base.Causes;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.RefusalLog;
import dev.llmproxy.http.Reply;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.logging.log4j.message.MapMessage;
import org.apache.logging.log4j.util.IndexedReadOnlyStringMap;
import org.apache.logging.log4j.util.SortedArrayStringMap;

/**
 * Writes one log line for each request. Refused requests are limited: per kind and address the
 * first ten of a minute get a line, and one line counts the others.
 */
public final class RequestLog implements RefusalLog {
  private static final Logger LOG = LogManager.getLogger(RequestLog.class);
  private static final int MOST_A_MINUTE = 10;
  private static final int MOST_KINDS = 1000;
  private static final int MOST_PATH = 100;
  private static final int CLIENT_CLOSED_REQUEST = 499;
  private static final int SERVER_ERROR = 500;
  private static final String RECORD = "record";

  /** Webhook URLs of chat services are secrets; their hosts are not. */
  private static final Pattern PATH_OF_URL = Pattern.compile("(https?://[^/\\s]+)/[^\\s\"')]*");

  /** Camel quotes the value that it cannot convert, which may be a client's text. */
  private static final Pattern VALUE = Pattern.compile("(?s) with value .*");

  private final LiveRequests live;
  private final Map<String, Kind> kinds = new ConcurrentHashMap<>();

  /**
   * @param live is told of each request that has ended
   */
  public RequestLog(LiveRequests live) {
    this.live = live;
  }

  /**
   * Logs the end of an admitted request. Stores its record in the property {@code record}. A
   * request that was not admitted is logged as refused, and its route stops.
   *
   * @param settlement how the request ended; null when it was not admitted
   */
  public void ended(
      @Body Settlement settlement,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    if (settlement == null) {
      exchange.setRouteStop(true);
      ApiError error = context.call().error();
      if (exchange.getProperty(RECORD) == null && error != null) {
        refused(error, context);
      }
      return;
    }
    RequestRecord record = record(settlement, context);
    LOG.log(
        record.httpStatus() >= SERVER_ERROR || record.status() == Status.ERROR
            ? Level.WARN
            : Level.INFO,
        new Line(record.text(), () -> fields(record, context)));
    exchange.setProperty(RECORD, record);
    live.ended(context, record);
  }

  /** Sets the body to the record of the ended request, as JSON. */
  public void asBody(@ExchangeProperty(RECORD) RequestRecord record, Exchange exchange) {
    exchange.getMessage().setBody(record.json());
    exchange.getMessage().setHeader("Content-Type", "application/json");
  }

  /** Logs a request that was refused before it was admitted. */
  public void refused(ApiError error, RequestContext context) {
    Reply reply = context.reply();
    Caller caller = context.caller();
    live.refused(error, context, reply.path());
    logRefusal(
        error,
        context.requestId(),
        caller == null ? null : caller.email(),
        reply.address(),
        reply.method(),
        reply.path());
  }

  @Override
  public void refused(
      ApiError error, String requestId, String user, String address, String method, String path) {
    live.refused(error, null, path);
    logRefusal(error, requestId, user, address, method, path);
  }

  private void logRefusal(
      ApiError error, String requestId, String user, String address, String method, String path) {
    String code = error.codeOrType();
    String what = error.status() + " " + code + " from " + address;
    if (!first(what, "refused: " + what)) {
      return;
    }
    String shown = ShownText.cut(path, MOST_PATH);
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("request_id", requestId);
    fields.put("address", address);
    fields.put("method", method);
    fields.put("path", shown);
    fields.put("status", "REFUSED");
    fields.put("http_status", error.status());
    fields.put("error_code", code);
    if (user != null) {
      fields.put("user", user);
    }
    if (error.param() != null) {
      fields.put("param", error.param());
    }
    LOG.log(
        error.status() >= SERVER_ERROR ? Level.WARN : Level.INFO,
        new Line(
            "%s %s %s %s REFUSED %d %s%s from %s"
                .formatted(
                    requestId,
                    user == null ? "-" : user,
                    method,
                    shown,
                    error.status(),
                    code,
                    error.param() == null ? "" : " " + error.param(),
                    address),
            () -> fields));
  }

  /**
   * Logs the failure of a step that runs after the answer, in one line. Equal failures are limited
   * as refusals are.
   */
  public void asideFailed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
      @ExchangeProperty(Exchange.FAILURE_ROUTE_ID) String route,
      @ExchangeProperty(Exchange.FAILURE_ENDPOINT) String endpoint) {
    String what =
        "The route %s failed after the answer was sent: %s"
            .formatted(route == null ? endpoint : route, reason(failure));
    if (first("aside " + route + Causes.root(failure).getClass().getName(), what)) {
      LOG.warn(what);
    }
  }

  /** Logs the failure of a route that serves no request. */
  public void backgroundFailed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
      @ExchangeProperty(Exchange.FAILURE_ROUTE_ID) String route) {
    String what = "The route %s failed and will run again: %s".formatted(route, reason(failure));
    if (first("background " + route + Causes.root(failure).getClass().getName(), what)) {
      LOG.warn(what);
    }
  }

  /** The root cause for the log, without URLs and values that could be secrets. */
  public static String reason(Throwable failure) {
    Throwable cause = Causes.root(failure);
    String reason = cause.getClass().getSimpleName() + ": " + cause.getMessage();
    return VALUE.matcher(PATH_OF_URL.matcher(reason).replaceAll("$1/…")).replaceAll("");
  }

  /** Logs how many lines of each kind were suppressed; call it once a minute. */
  public void summarise() {
    kinds.forEach((name, kind) -> {
      if (kinds.remove(name, kind)) {
        int more = kind.more();
        if (more > 0) {
          LOG.warn("{} more like this in the last minute: {}", more, kind.text);
        }
      }
    });
  }

  /** Whether to log this one; otherwise it is only counted. */
  private boolean first(String name, String text) {
    Kind kind = kinds.get(name);
    if (kind == null) {
      kind =
          kinds.size() < MOST_KINDS
              ? kinds.computeIfAbsent(name, added -> new Kind(text))
              : kinds.computeIfAbsent("", added -> new Kind("others"));
    }
    return kind.next();
  }

  private static Map<String, Object> fields(RequestRecord record, RequestContext context) {
    Map<String, Object> fields = record.fields();
    String trace = context.trace().id();
    if (trace != null) {
      fields.put("trace_id", trace);
    }
    return fields;
  }

  private static RequestRecord record(Settlement settlement, RequestContext context) {
    Call call = context.call();
    Reply reply = context.reply();
    ApiError error = settlement.status() == Status.SUCCESS ? null : call.error();
    ApiError.Upstream upstream = error == null ? null : error.upstream();
    boolean leftEarly = settlement.status() == Status.CANCELLED && !reply.begun();
    return new RequestRecord(
        settlement.requestId(),
        call.started(),
        call.caller().email(),
        call.caller().keyName(),
        call.caller().tier(),
        call.type(),
        call.target().servedModel(),
        settlement.status(),
        leftEarly ? CLIENT_CLOSED_REQUEST : reply.status(),
        error == null ? null : error.codeOrType(),
        upstream == null || upstream.status() == 0 ? null : upstream.status(),
        upstream == null ? null : upstream.reason(),
        settlement.tokensIn(),
        settlement.tokensOut(),
        settlement.turns(),
        settlement.toolCalls(),
        call.fromCache(),
        settlement.cost(),
        settlement.duration().toMillis(),
        call.attempts().tried(),
        context.marks());
  }

  private static final class Kind {
    private final String text;
    private int count;

    Kind(String text) {
      this.text = text;
    }

    synchronized boolean next() {
      count++;
      return count <= MOST_A_MINUTE;
    }

    synchronized int more() {
      return Math.max(0, count - MOST_A_MINUTE);
    }
  }

  /**
   * A text for people, and fields for the JSON layout of the log. The fields are collected when the
   * layout asks for them, because the text layout never does.
   */
  private static final class Line extends MapMessage<Line, Object> {
    private static final long serialVersionUID = 1;

    private final String text;
    private final transient Supplier<Map<String, Object>> fields;

    Line(String text, Supplier<Map<String, Object>> fields) {
      this.text = text;
      this.fields = fields;
    }

    @Override
    public IndexedReadOnlyStringMap getIndexedReadOnlyStringMap() {
      Map<String, Object> all = fields.get();
      if (LoggedRequest.has(all.get(LoggedRequest.FIELD))) {
        all.remove(LoggedRequest.FIELD);
      }
      return new SortedArrayStringMap(all);
    }

    @Override
    public String getFormattedMessage() {
      return text;
    }

    @Override
    public String asString() {
      return text;
    }

    @Override
    public String asString(String format) {
      return text;
    }

    @Override
    public void formatTo(StringBuilder buffer) {
      buffer.append(text);
    }
  }
}
