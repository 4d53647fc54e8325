package dev.llmproxy.api;

import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
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
  private static final int ZLIB_DEFLATE = 8;
  private static final int ZLIB_CHECK = 31;

  private final long most;

  /**
   * @param mostMegabytes the limit
   */
  public BodyReader(int mostMegabytes) {
    this.most = (long) mostMegabytes * MEGABYTE;
  }

  /**
   * Ends a request whose body cannot be taken, and decodes one that is compressed. This comes after
   * the key has been judged: nothing is decoded for strangers.
   *
   * @throws ApiException 413 for a body over the limit, before or after decoding; 415 for a coding
   *     that is not known; 400 for a body that is not in its coding
   */
  public void check(Exchange exchange) {
    MultiMap headers = exchange.getMessage(HttpMessage.class).getRequest().headers();
    if (headers.contains(TOO_LARGE)) {
      throw OpenAiErrors.requestTooLarge(most / MEGABYTE).asException();
    }
    String coding = headers.get(HttpHeaders.CONTENT_ENCODING);
    if (coding != null && !coding.isBlank()) {
      decode(coding.strip(), exchange.getMessage());
    }
  }

  /** RFC 9110, section 8.4.1. */
  private void decode(String coding, Message message) {
    byte[] body = message.getBody(byte[].class);
    try {
      InputStream decoded =
          switch (coding.toLowerCase(Locale.ROOT)) {
            case "identity" -> null;
            case "gzip", "x-gzip" -> new GZIPInputStream(new ByteArrayInputStream(body));
            case "deflate" -> inflated(body);
            default -> throw OpenAiErrors.unsupportedCoding(coding).asException();
          };
      if (decoded != null) {
        byte[] whole = decoded.readNBytes(Math.toIntExact(most + 1));
        if (whole.length > most) {
          throw OpenAiErrors.requestTooLarge(most / MEGABYTE).asException();
        }
        message.setBody(whole);
      }
    } catch (IOException e) {
      throw OpenAiErrors.notInCoding(coding).asException();
    }
  }

  /** Some senders leave out the zlib header (RFC 1950), which the standard demands. */
  private static InputStream inflated(byte[] body) {
    boolean zlib =
        body.length >= 2
            && (body[0] & 0x0f) == ZLIB_DEFLATE
            && (((body[0] & 0xff) << Byte.SIZE) | (body[1] & 0xff)) % ZLIB_CHECK == 0;
    return new InflaterInputStream(new ByteArrayInputStream(body), new Inflater(!zlib));
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
