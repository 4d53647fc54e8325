package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.RequestDialect;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.provider.ProviderWarnings;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/** The wire format {@code openai}: what goes to the provider, and what is made of its answer. */
public final class OpenAiChat {
  private final ProviderWarnings warnings = new ProviderWarnings();
  private final int mostMegabytes;

  /**
   * @param mostMegabytes that one answer may have, 1 to 1024
   */
  public OpenAiChat(int mostMegabytes) {
    this.mostMegabytes = mostMegabytes;
  }

  /**
   * Makes the message for the provider: nothing of the client's headers, the request with the
   * fields that must change.
   */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    ChatCall chat = context.callAs(ChatCall.class);
    ObjectNode request = upstreamRequest(chat);
    OpenAiHttp.request(
        exchange,
        chat.target().provider(),
        "/chat/completions",
        request.has("stream") ? "text/event-stream" : "application/json",
        request);
  }

  /** Makes chat events of the provider's answer, as they come. */
  public ChatEvents receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @Header("Location") String location,
      @Header("Content-Type") String contentType,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context)
      throws IOException {
    ChatCall chat = context.callAs(ChatCall.class);
    OpenAiHttp.check(chat.target().provider(), status, retryAfter, location, body, "messages");
    return new OpenAiChatEvents(
        body,
        contentType,
        new OpenAiStreamTranslator(chat, warnings),
        mostMegabytes,
        chat.memory());
  }

  /**
   * A stream is asked for unless the provider's file says otherwise, with its usage unless the
   * provider refuses to be asked: a client that leaves is noticed, and the ledger needs the tokens.
   * A whole answer is the collated stream; a provider's whole answer becomes a stream.
   */
  static ObjectNode upstreamRequest(ChatCall chat) {
    ObjectNode request = Json.object();
    request.setAll(chat.turns().body());
    chat.target().provider().dialect().applyToChat(request);
    request.put("model", chat.target().upstreamModel());
    RequestDialect dialect = chat.target().provider().dialect();
    if (!dialect.streams(chat.request().stream())) {
      request.remove(List.of("stream", "stream_options"));
      return request;
    }
    request.put("stream", true);
    if (dialect.drops("stream_options")) {
      return request;
    }
    ObjectNode options = request.putObject("stream_options");
    if (chat.request().body().get("stream_options") instanceof ObjectNode asked) {
      options.setAll(asked);
    }
    options.put("include_usage", true);
    return request;
  }
}
