package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.LiveBody;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.http.HttpMethods;
import org.apache.hc.core5.http.HttpEntity;

/** The common part of all calls of providers over HTTP. */
public final class ProviderHttp {
  private static final int MOST_ERROR_BYTES = 64 * 1024;

  private ProviderHttp() {}

  /**
   * Sets the message for the provider, with the provider's key and headers and without the client's
   * headers. The URL is a header, so that Camel does not read options from it.
   *
   * @param path below the provider's base URL
   */
  public static void request(
      Exchange exchange, Provider provider, String path, String accept, ObjectNode body) {
    Message message = head(exchange, provider, path, accept);
    message.setHeader("Content-Type", "application/json");
    message.setBody(Json.bytes(body));
  }

  /** As {@link #request}, with a body of another type, which names its type itself. */
  public static void upload(Exchange exchange, Provider provider, String path, HttpEntity body) {
    head(exchange, provider, path, "*/*").setBody(body);
  }

  private static Message head(Exchange exchange, Provider provider, String path, String accept) {
    Message message = exchange.getMessage();
    message.removeHeaders("*");
    message.setHeader(Exchange.HTTP_METHOD, HttpMethods.POST);
    message.setHeader(Exchange.HTTP_URI, provider.url(path));
    message.setHeader("Accept", accept);
    // A compressed stream arrives late, and its decoder reads on after an abort.
    message.setHeader("Accept-Encoding", "identity");
    RequestContext context = exchange.getProperty(RequestContext.PROPERTY, RequestContext.class);
    if (context != null) {
      context.trace().headers(message::setHeader);
    }
    provider.requestHeaders().forEach(message::setHeader);
    return message;
  }

  /**
   * Takes the answer's body from Camel, and throws if the answer is an error. Reads as much of the
   * error as arrives.
   *
   * @param body the body of the answer, or null when it has none
   * @param input the field of the request with the text for the model
   * @throws ApiException for any status but 2xx, and for a 2xx without a body
   */
  public static void check(
      Exchange exchange,
      Provider provider,
      int status,
      String retryAfter,
      String location,
      InputStream body,
      String input)
      throws IOException {
    Refusal refusal = refusal(exchange, provider, status, retryAfter, location, body, input);
    if (refusal != null) {
      throw UpstreamErrors.of(provider, refusal).asException();
    }
  }

  /**
   * As {@link #check}, but returns an error answer. Returns null when the answer is none.
   *
   * @throws ApiException for a 2xx without a body
   */
  public static Refusal refusal(
      Exchange exchange,
      Provider provider,
      int status,
      String retryAfter,
      String location,
      InputStream body,
      String input)
      throws IOException {
    LiveBody.own(exchange);
    if (status / 100 != 2) {
      return new Refusal(status, retryAfter, location, start(body), input);
    }
    if (body == null) {
      throw OpenAiErrors.upstream(
              "The provider `%s` answered with status %d and nothing else."
                  .formatted(provider.name(), status))
          .because(new ApiError.Upstream(status, "nothing"))
          .asException();
    }
    return null;
  }

  /**
   * The start of the body, also when the connection breaks: it still contains the provider's
   * reason.
   */
  private static String start(InputStream body) throws IOException {
    if (body == null) {
      return "";
    }
    ByteArrayOutputStream start = new ByteArrayOutputStream();
    byte[] part = new byte[8 * 1024];
    try {
      int read = 0;
      while (start.size() < MOST_ERROR_BYTES && (read = body.read(part)) >= 0) {
        start.write(part, 0, read);
      }
      if (read >= 0) {
        LiveBody.abort(body);
      }
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw e;
      }
    }
    return start.toString(StandardCharsets.UTF_8);
  }
}
