package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.api.ApiException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/** What all calls of the wire format {@code openai} have in common. */
final class OpenAiHttp {
  private static final int MOST_ERROR_BYTES = 64 * 1024;

  private OpenAiHttp() {}

  /**
   * Makes the message for the provider: nothing of the client's headers, the provider's own key.
   */
  static void request(Exchange exchange, Provider provider, String accept, ObjectNode body) {
    Message message = exchange.getMessage();
    message.removeHeaders("*");
    message.setHeader(Exchange.HTTP_METHOD, "POST");
    message.setHeader("Content-Type", "application/json");
    message.setHeader("Accept", accept);
    // A stream that is packed comes late, and what unpacks it reads on when it is hung up on.
    message.setHeader("Accept-Encoding", "identity");
    if (provider.apiKey() != null) {
      message.setHeader("Authorization", "Bearer " + provider.apiKey());
    }
    message.setBody(Json.bytes(body));
  }

  /**
   * Reads an answer that is an error.
   *
   * @throws ApiException what the client is told of any status but 200
   */
  static void check(Provider provider, int status, String retryAfter, InputStream body)
      throws IOException {
    if (status != 200) {
      throw UpstreamErrors.of(provider, status, retryAfter, body.readNBytes(MOST_ERROR_BYTES))
          .asException();
    }
  }
}
