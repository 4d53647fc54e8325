package dev.llmproxy.api;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * Collects request bodies up to a limit. What is longer is read and thrown away, in constant
 * memory, so that the key is judged before the size and the client reads an answer in place of a
 * reset; a client that goes on and on is cut off.
 */
public final class BodyReader implements Handler<RoutingContext> {
  private static final String TOO_LARGE = "x-llmproxy-body-too-large";
  private static final int MOST_DRAINED = 10;
  private static final int MEGABYTE = 1 << 20;

  private final long most;

  /**
   * @param mostMegabytes the limit
   */
  public BodyReader(int mostMegabytes) {
    this.most = (long) mostMegabytes * MEGABYTE;
  }

  /**
   * Ends a request whose body was over the limit.
   *
   * @throws ApiException 413
   */
  public void check(Exchange exchange) {
    if (exchange.getMessage(HttpMessage.class).getRequest().headers().contains(TOO_LARGE)) {
      throw OpenAiErrors.requestTooLarge(most / MEGABYTE).asException();
    }
  }

  @Override
  public void handle(RoutingContext context) {
    HttpServerRequest request = context.request();
    request.headers().remove(TOO_LARGE);
    if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
      context.response().writeContinue();
    }
    // Without a key the answer is known already.
    boolean wanted = request.headers().contains(HttpHeaders.AUTHORIZATION);
    Buffer body = Buffer.buffer();
    long[] received = {0};
    request.handler(part -> {
      received[0] += part.length();
      if (received[0] > MOST_DRAINED * most) {
        request.connection().close();
      } else if (wanted && received[0] <= most) {
        body.appendBuffer(part);
      }
    });
    request.exceptionHandler(context::fail);
    request.endHandler(end -> {
      if (received[0] > most) {
        request.headers().set(TOO_LARGE, "true");
      }
      RoutingContextInternal internal = (RoutingContextInternal) context;
      internal.visitHandler(RoutingContextInternal.BODY_HANDLER);
      internal.setBody(received[0] > most ? Buffer.buffer() : body);
      context.next();
    });
    request.resume();
  }
}
