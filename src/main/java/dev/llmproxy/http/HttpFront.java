package dev.llmproxy.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Networks;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ErrorForm;
import dev.llmproxy.error.OpenAiErrors;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.HttpServerRequestInternal;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * Adds the request id and the timing to every HTTP answer, and answers errors outside the routes in
 * the format of the path.
 */
public final class HttpFront {
  /** The response header with the id that the log and the usage record use too. */
  public static final String REQUEST_ID = "x-request-id";

  private static final String ANTHROPIC_REQUEST_ID = "request-id";
  private static final String PROCESSING_MS = "openai-processing-ms";
  private static final String VERSION = "/v1";
  private static final int UPGRADE_REQUIRED = 426;
  private static final String FORM = "multipart/form-data";

  /** The local of a request's Vert.x context with the header that the routes do not see. */
  private static final String CONTENT_TYPE = "contentType";

  private static final int ID_BYTES = 12;
  private static final long MOST_DRAINED_BYTES = 256L << 20;
  private static final long MOST_DRAINED_MILLIS = 30_000;

  /** The local of a request's Vert.x context that marks requests to the management port. */
  private static final String MANAGEMENT = "management";

  /**
   * An endpoint of OpenAI that this server has not. To the routes it looks like a response's id.
   */
  private static final String COMPACT = "/v1/responses/compact";

  private static final String HEALTH = "/health";
  private static final String METRICS = "/metrics";

  /** The local of a request's Vert.x context with the address that a trusted proxy names. */
  private static final String CLIENT = "client";

  private final Cors cors;
  private final TrustedProxies proxies;
  private final boolean ownManagementPort;
  private final RefusalLog log;
  private volatile boolean stopping;
  private final SecureRandom random = new SecureRandom();

  /**
   * @param origins the setting CORS_ORIGINS
   * @param proxies the setting TRUSTED_PROXIES
   * @param ownManagementPort whether {@code /metrics} is served on a port of its own alone
   * @param log logs the requests that are refused here
   */
  public HttpFront(String origins, Networks proxies, boolean ownManagementPort, RefusalLog log) {
    this.cors = new Cors(origins);
    this.proxies = new TrustedProxies(proxies);
    this.ownManagementPort = ownManagementPort;
    this.log = log;
  }

  /**
   * The IP address of a request's client: the one that a trusted proxy names, else that of the
   * connection. Empty when unknown.
   */
  static String address(HttpServerRequest request) {
    String client = ((HttpServerRequestInternal) request).context().getLocal(CLIENT);
    return client == null ? peer(request) : client;
  }

  private static String peer(HttpServerRequest request) {
    SocketAddress address = request.connection().remoteAddress();
    return address == null || address.hostAddress() == null ? "" : address.hostAddress();
  }

  /** The id of a request; null when it has not passed the handler that {@link #install} adds. */
  public static String requestId(HttpServerRequest request) {
    return ((HttpServerRequestInternal) request).context().getLocal(REQUEST_ID);
  }

  /** Marks a request to the management port. */
  public static void toManagementPort(HttpServerRequest request) {
    ((HttpServerRequestInternal) request).context().putLocal(MANAGEMENT, MANAGEMENT);
  }

  /** Whether a request is marked by {@link #toManagementPort}. */
  static boolean onManagementPort(HttpServerRequest request) {
    return ((HttpServerRequestInternal) request).context().getLocal(MANAGEMENT) != null;
  }

  /** The Content-Type that the client has sent; null when it has sent none. */
  static String contentType(HttpServerRequest request) {
    return ((HttpServerRequestInternal) request).context().getLocal(CONTENT_TYPE);
  }

  /** Whether the client sends a form with files ({@code multipart/form-data}). */
  static boolean isForm(HttpServerRequest request) {
    String type = contentType(request);
    return type != null && type.strip().toLowerCase(Locale.ROOT).startsWith(FORM);
  }

  /**
   * Installs its handler before the routes of a router, and its error handlers. Several routers may
   * have them.
   */
  public void install(Router router) {
    router.route().order(Integer.MIN_VALUE).handler(context -> begin(context, router));
    for (int status : new int[] {400, 404, 405, 500, 503}) {
      router.errorHandler(status, context -> fail(context, status, router));
    }
  }

  /** Refuses a malformed HTTP request, e.g. one with headers that are too large. */
  public void refuse(HttpServerRequest request) {
    refuse(
        request, request.decoderResult().cause() instanceof TooLongHttpHeaderException ? 431 : 400);
  }

  /**
   * Reads and discards the rest of a request's body; call it when the answer has ended. Otherwise
   * the client gets a connection reset instead of the answer. A body that is too long or takes too
   * long ends in a closed connection.
   *
   * @param request a request of the current thread's event loop
   * @param done called when the request has ended too
   */
  public void drain(HttpServerRequest request, Vertx vertx, Runnable done) {
    boolean last =
        request.response().headers().contains(HttpHeaders.CONNECTION, HttpHeaders.CLOSE, true);
    Runnable over =
        () -> {
          done.run();
          if (last) {
            request.connection().close();
          }
        };
    if (request.isEnded()) {
      over.run();
      return;
    }
    if (request.headers().contains(HttpHeaders.EXPECT)) {
      // The client may send the body or not, so the next bytes are ambiguous (RFC 9110, 10.1.1).
      request.connection().close();
      return;
    }
    long timer = vertx.setTimer(MOST_DRAINED_MILLIS, late -> request.connection().close());
    long[] left = {MOST_DRAINED_BYTES};
    request.handler(part -> {
      left[0] -= part.length();
      if (left[0] < 0) {
        request.connection().close();
      }
    });
    request.exceptionHandler(broken -> vertx.cancelTimer(timer));
    request.endHandler(end -> {
      vertx.cancelTimer(timer);
      over.run();
    });
    request.resume();
  }

  /** Whether servers may disagree where the request ends (RFC 9112, sections 3.2 and 6.1). */
  private static boolean ambiguous(HttpServerRequest request) {
    MultiMap headers = request.headers();
    String coding = headers.get(HttpHeaders.TRANSFER_ENCODING);
    return headers.getAll(HttpHeaders.HOST).size() > 1
        || (coding != null
            && (!"chunked".equalsIgnoreCase(coding.strip())
                || headers.getAll(HttpHeaders.TRANSFER_ENCODING).size() > 1));
  }

  private void refuse(HttpServerRequest request, int status) {
    ApiError error = OpenAiErrors.malformedHttp(status);
    String id = newId();
    // A malformed request may have no readable path.
    log.refused(error, id, null, Reply.address(request), request.method().name(), "-");
    request
        .response()
        .setStatusCode(status)
        .putHeader(REQUEST_ID, id)
        .putHeader(PROCESSING_MS, "0")
        .putHeader("Content-Type", "application/json")
        .end(Buffer.buffer(Json.bytes(error.toJson())))
        .onComplete(sent -> request.connection().close());
  }

  /**
   * Refuses new requests from now on. Running requests go on.
   *
   * @see #begin
   */
  public void stop() {
    stopping = true;
  }

  private void begin(RoutingContext context, Router router) {
    long started = System.nanoTime();
    HttpServerRequest request = context.request();
    HttpServerResponse response = context.response();
    String id = newId();
    ((HttpServerRequestInternal) request).context().putLocal(REQUEST_ID, id);
    response.putHeader(REQUEST_ID, id);
    String client = proxies.client(peer(request), request);
    if (client != null) {
      ((HttpServerRequestInternal) request).context().putLocal(CLIENT, client);
    }
    if (ErrorForm.of(request.path()) == ErrorForm.MESSAGES) {
      response.putHeader(ANTHROPIC_REQUEST_ID, id);
    }
    response.headersEndHandler(done -> {
      response.putHeader(
          PROCESSING_MS, Long.toString(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started)));
      if (request.headers().contains(HttpHeaders.EXPECT)) {
        closeAfter(request);
      }
    });
    if (ambiguous(request)) {
      refuse(request, 400);
      return;
    }
    if (ownManagementPort && !servesHere(request)) {
      fail(context, 404, router);
      return;
    }
    if (stopping) {
      closeAfter(request);
      if (answersHealthWhileStopping(context)) {
        return;
      }
      fail(context, 503, router);
      return;
    }
    // Any content type counts as JSON: the body handler would otherwise consume a form.
    String type = request.getHeader(HttpHeaders.CONTENT_TYPE);
    if (type != null) {
      ((HttpServerRequestInternal) request).context().putLocal(CONTENT_TYPE, type);
      request.headers().remove(HttpHeaders.CONTENT_TYPE);
    }
    if (!cors.handle(context)) {
      context.next();
    }
  }

  /** The management port serves health and metrics; the API's port everything but the metrics. */
  private static boolean servesHere(HttpServerRequest request) {
    String path = request.path();
    boolean metrics = METRICS.equals(path);
    return onManagementPort(request)
        ? metrics || (path != null && (path.equals(HEALTH) || path.startsWith(HEALTH + "/")))
        : !metrics;
  }

  /** The routes may have stopped already: the process is live, and not ready. */
  private static boolean answersHealthWhileStopping(RoutingContext context) {
    String path = context.request().path();
    boolean live = (HEALTH + "/live").equals(path);
    if (!live && !(HEALTH + "/ready").equals(path)) {
      return false;
    }
    ObjectNode answer = Json.object().put("status", live ? "live" : "unready");
    if (!live) {
      answer
          .putArray("reasons")
          .addObject()
          .put("check", "server")
          .put("reason", "The server is stopping.");
    }
    context
        .response()
        .setStatusCode(live ? 200 : 503)
        .putHeader("Content-Type", "application/json")
        .putHeader("Cache-Control", "no-store")
        .end(Buffer.buffer(Json.bytes(answer)));
    return true;
  }

  /** Asks {@link #drain} to close the connection after the answer. */
  private static void closeAfter(HttpServerRequest request) {
    if (request.version() != HttpVersion.HTTP_2) {
      request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    }
  }

  private static boolean isWebSocket(HttpServerRequest request) {
    return request.headers().contains(HttpHeaders.UPGRADE, HttpHeaders.WEBSOCKET, true);
  }

  private String newId() {
    byte[] id = new byte[ID_BYTES];
    random.nextBytes(id);
    return "req_" + HexFormat.of().formatHex(id);
  }

  private void fail(RoutingContext context, int found, Router router) {
    if (context.response().ended() || context.response().headWritten()) {
      return;
    }
    String method = context.request().method().name();
    String path = context.request().path();
    int status = found == 405 && path.equals(COMPACT) ? 404 : found;
    ApiError error =
        switch (status) {
          case 400 -> OpenAiErrors.malformedHttp(400);
          case 404 -> OpenAiErrors.unknownUrl(method, path, meant(path, router));
          case 405 ->
              isWebSocket(context.request())
                  ? OpenAiErrors.noWebSockets(path)
                  : OpenAiErrors.methodNotSupported(method, path);
          case 503 -> OpenAiErrors.stopping();
          default ->
              context.failure() == null
                  ? OpenAiErrors.internal()
                  : OpenAiErrors.of(context.failure(), null);
        };
    if (error.status() == UPGRADE_REQUIRED) {
      closeAfter(context.request());
    }
    if (status == 405) {
      context.response().putHeader("Allow", allowed(context, router));
    }
    log.refused(
        error, requestId(context.request()), null, Reply.address(context.request()), method, path);
    ErrorForm.Answer answer = ErrorForm.of(path).answer(error, requestId(context.request()));
    answer.headers().forEach(context.response()::putHeader);
    context
        .response()
        .setStatusCode(answer.status())
        .putHeader("Content-Type", "application/json")
        .end(Buffer.buffer(Json.bytes(answer.body())));
  }

  /**
   * The path under /v1 that a client with a wrong base URL probably means. Wrong base URLs have no
   * /v1, have it twice, in capitals, or end in an endpoint's path. Null when no path fits.
   */
  private static String meant(String path, Router router) {
    String asked = path.toLowerCase(Locale.ROOT);
    for (Route route : router.getRoutes()) {
      String known = route.getPath();
      if (known != null && known.startsWith(VERSION + "/")) {
        int parameter = known.indexOf(':');
        String tail = known.substring(VERSION.length(), parameter < 0 ? known.length() : parameter);
        int at = asked.lastIndexOf(tail);
        if (at >= 0 && (parameter >= 0 || at + tail.length() == asked.length())) {
          return VERSION + path.substring(at);
        }
      }
    }
    return null;
  }

  /** The value of the header Allow: the methods of the routes on this path. */
  private static String allowed(RoutingContext context, Router router) {
    String path = context.request().path();
    TreeSet<String> methods = new TreeSet<>(Set.of("OPTIONS"));
    for (Route route : router.getRoutes()) {
      if (route.getPath() != null && route.methods() != null && matches(route, path)) {
        route.methods().forEach(method -> methods.add(method.name()));
      }
    }
    return String.join(", ", methods);
  }

  private static boolean matches(Route route, String path) {
    int parameter = route.getPath().indexOf(':');
    if (parameter >= 0) {
      return path.length() > parameter && path.startsWith(route.getPath().substring(0, parameter));
    }
    return route.isExactPath()
        ? path.equals(route.getPath()) || path.equals(route.getPath() + "/")
        : path.startsWith(route.getPath());
  }
}
