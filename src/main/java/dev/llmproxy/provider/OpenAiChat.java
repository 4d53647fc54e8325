package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.api.ApiError;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;
import org.apache.camel.Message;

/** The wire format {@code openai}: what goes to the provider, and what is made of its answer. */
public final class OpenAiChat {
  private static final int MOST_ERROR_BYTES = 64 * 1024;

  /**
   * Makes the message for the provider: nothing of the client's headers, the request with the
   * fields that must change.
   */
  public void prepare(@ExchangeProperty("chat") ChatCall chat, Exchange exchange) {
    Message message = exchange.getMessage();
    message.removeHeaders("*");
    message.setHeader(Exchange.HTTP_METHOD, "POST");
    message.setHeader("Content-Type", "application/json");
    message.setHeader("Accept", "text/event-stream");
    if (chat.target().provider().apiKey() != null) {
      message.setHeader("Authorization", "Bearer " + chat.target().provider().apiKey());
    }
    message.setBody(Json.bytes(upstreamRequest(chat)));
  }

  /** Makes chat events of the provider's answer, as they come. */
  public ChatEvents receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @ExchangeProperty("chat") ChatCall chat)
      throws IOException {
    Provider provider = chat.target().provider();
    if (status != 200) {
      ApiError error =
          UpstreamErrors.of(provider, status, retryAfter, body.readNBytes(MOST_ERROR_BYTES));
      throw error.asException();
    }
    return new OpenAiChatEvents(body, new OpenAiStreamTranslator(chat));
  }

  /**
   * The stream is always asked for, with its usage: a whole answer is the collated stream, and the
   * ledger needs the tokens.
   */
  static ObjectNode upstreamRequest(ChatCall chat) {
    ObjectNode request = Json.object();
    request.setAll(chat.request().body());
    chat.target().provider().dialect().apply(request);
    request.put("model", chat.target().upstreamModel());
    request.put("stream", true);
    ObjectNode options = request.putObject("stream_options");
    if (chat.request().body().get("stream_options") instanceof ObjectNode asked) {
      options.setAll(asked);
    }
    options.put("include_usage", true);
    return request;
  }
}
