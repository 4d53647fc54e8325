package dev.llmproxy.api;

import dev.llmproxy.Json;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * What every HTTP answer has, also those that no route gives: ids, timing, and errors in OpenAI's
 * form.
 */
public final class HttpFront {
  /** The response header that joins an answer with the log and the usage record. */
  public static final String REQUEST_ID = "x-request-id";

  private static final int ID_BYTES = 12;

  private final int mostBodyMegabytes;
  private final SecureRandom random = new SecureRandom();

  /**
   * @param mostBodyMegabytes the limit that the router's body handler enforces, for the message
   */
  public HttpFront(int mostBodyMegabytes) {
    this.mostBodyMegabytes = mostBodyMegabytes;
  }

  /** Installs itself before and around the routes of a router. */
  public void install(Router router) {
    router.route().order(Integer.MIN_VALUE).handler(this::begin);
    for (int status : new int[] {400, 404, 405, 413, 415, 500, 503}) {
      router.errorHandler(status, context -> fail(context, status));
    }
  }

  private void begin(RoutingContext context) {
    long started = System.nanoTime();
    HttpServerRequest request = context.request();
    HttpServerResponse response = context.response();
    byte[] id = new byte[ID_BYTES];
    random.nextBytes(id);
    response.putHeader(REQUEST_ID, "req_" + HexFormat.of().formatHex(id));
    response.headersEndHandler(done ->
        response.putHeader(
            "openai-processing-ms",
            Long.toString(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started))));
    // Any content type is taken for JSON: a form would otherwise be parsed away by the body
    // handler.
    request.headers().remove("Content-Type");
    context.next();
  }

  private void fail(RoutingContext context, int status) {
    if (context.response().ended() || context.response().headWritten()) {
      return;
    }
    String method = context.request().method().name();
    String path = context.request().path();
    ApiError error =
        switch (status) {
          case 400 -> OpenAiErrors.badJson("the HTTP request is malformed.");
          case 404 -> OpenAiErrors.unknownUrl(method, path);
          case 405 -> OpenAiErrors.methodNotSupported(method, path);
          case 413 -> OpenAiErrors.requestTooLarge(mostBodyMegabytes);
          case 503 -> OpenAiErrors.unavailable("The server is stopping. Try again shortly.");
          default ->
              context.failure() == null
                  ? OpenAiErrors.internal()
                  : OpenAiErrors.of(context.failure(), null);
        };
    error.headers().forEach(context.response()::putHeader);
    context
        .response()
        .setStatusCode(error.status())
        .putHeader("Content-Type", "application/json")
        .end(Buffer.buffer(Json.bytes(error.toJson())));
  }
}
