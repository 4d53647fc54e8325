package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.LiveBody;
import dev.llmproxy.provider.Refusal;
import dev.llmproxy.provider.UpstreamErrors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.http.HttpMethods;

/** What all calls of the wire format {@code openai} have in common. */
final class OpenAiHttp {
  private static final int MOST_ERROR_BYTES = 64 * 1024;

  private OpenAiHttp() {}

  /**
   * Makes the message for the provider: nothing of the client's headers, the provider's own key and
   * headers. Its address is a header, too: nothing in it can be taken for an option of Camel's.
   *
   * @param path below the provider's base URL
   */
  static void request(
      Exchange exchange, Provider provider, String path, String accept, ObjectNode body) {
    Message message = exchange.getMessage();
    message.removeHeaders("*");
    message.setHeader(Exchange.HTTP_METHOD, HttpMethods.POST);
    message.setHeader(Exchange.HTTP_URI, provider.url(path));
    message.setHeader("Content-Type", "application/json");
    message.setHeader("Accept", accept);
    // A stream that is packed comes late, and what unpacks it reads on when it is hung up on.
    message.setHeader("Accept-Encoding", "identity");
    provider.headers().forEach(message::setHeader);
    message.setBody(Json.bytes(body));
  }

  /**
   * Reads an answer that is an error, as far as it comes.
   *
   * @param body what comes with the status, or null when nothing does
   * @param input the field of the request that holds what the model is to read
   * @throws ApiException what the client is told of any status but 2xx, and of a success without
   *     anything in it
   */
  static void check(
      Provider provider,
      int status,
      String retryAfter,
      String location,
      InputStream body,
      String input)
      throws IOException {
    boolean success = status / 100 == 2;
    if (success && body == null) {
      throw OpenAiErrors.upstream(
              "The provider `%s` answered with status %d and nothing else."
                  .formatted(provider.name(), status))
          .because(new ApiError.Upstream(status, "nothing"))
          .asException();
    }
    if (!success) {
      String start = start(body);
      throw UpstreamErrors.of(provider, new Refusal(status, retryAfter, location, start, input))
          .asException();
    }
  }

  /** What has come before the connection broke still says why the provider refused. */
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
