package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.provider.PassedEvents;
import dev.llmproxy.provider.ProviderEvents;
import dev.llmproxy.provider.ProviderHttp;
import dev.llmproxy.provider.ProviderWarnings;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/**
 * The wire format {@code openai} for requests that came in OpenAI's Responses format, to providers
 * that speak it: the request goes through as it is.
 */
public final class OpenAiResponses {
  private final ProviderWarnings warnings = new ProviderWarnings();
  private final long mostBytes;

  /**
   * @param mostBytes the most bytes of one answer, at most 1 GB
   */
  public OpenAiResponses(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** Sets the message for the provider: the client's request for the provider's model. */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    ChatCall chat = context.callAs(ChatCall.class);
    ObjectNode request = Json.object();
    request.setAll(context.original().body());
    request.put("model", chat.target().upstreamModel());
    context.nameNothingDropped();
    ProviderHttp.request(
        exchange,
        chat.target().provider(),
        "/responses",
        chat.request().stream() ? "text/event-stream" : "application/json",
        request);
  }

  /**
   * Returns the events of the provider's answer, which are read as they arrive: each as it was
   * sent, and what it says as chat events.
   *
   * @throws dev.llmproxy.error.ApiException when the answer is an error
   */
  public ChatEvents receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @Header("Location") String location,
      @Header("Content-Type") String contentType,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange)
      throws IOException {
    ChatCall chat = context.callAs(ChatCall.class);
    ProviderHttp.check(
        exchange, chat.target().provider(), status, retryAfter, location, body, "input");
    return new ProviderEvents(
        body,
        contentType,
        new PassedEvents(new ResponseStream(chat, warnings)),
        mostBytes,
        chat.memory());
  }
}
