package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.RequestDialect;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.provider.DroppedFields;
import dev.llmproxy.provider.ProviderEvents;
import dev.llmproxy.provider.ProviderHttp;
import dev.llmproxy.provider.ProviderWarnings;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/**
 * The wire format {@code openai} for chats: creates the provider's request and reads its answer.
 */
public final class OpenAiChat {
  private final ProviderWarnings warnings = new ProviderWarnings();
  private final long mostBytes;

  /**
   * @param mostBytes the most bytes of one answer, at most 1 GB
   */
  public OpenAiChat(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /**
   * Sets the message for the provider: the request with the necessary changes, and none of the
   * client's headers.
   */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    ChatCall chat = context.callAs(ChatCall.class);
    Set<String> dropped = new TreeSet<>();
    ObjectNode request = upstreamRequest(chat, dropped);
    DroppedFields.name(context, dropped);
    ProviderHttp.request(
        exchange,
        chat.target().provider(),
        "/chat/completions",
        request.has("stream") ? "text/event-stream" : "application/json",
        request);
  }

  /**
   * Returns the chat events of the provider's answer, which are read as they arrive.
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
        exchange, chat.target().provider(), status, retryAfter, location, body, "messages");
    return new ProviderEvents(
        body, contentType, new OpenAiStreamTranslator(chat, warnings), mostBytes, chat.memory());
  }

  /**
   * Creates the provider's request. It asks for a stream unless the provider's file says otherwise,
   * so that the server notices when the client leaves. It asks for usage, which the ledger needs,
   * unless the provider rejects {@code stream_options}. For a client without streaming the stream
   * is collected; a provider's answer without streaming becomes a stream.
   *
   * @param dropped receives the names of the fields that the provider does not get
   */
  static ObjectNode upstreamRequest(ChatCall chat, Set<String> dropped) {
    ObjectNode request = Json.object();
    request.setAll(chat.turns().body());
    RequestDialect dialect = chat.target().dialect();
    dropped.addAll(dialect.applyToChat(request));
    request.put("model", chat.target().upstreamModel());
    ask(request, chat, true);
    return request;
  }

  /**
   * Sets whether the provider is asked for a stream, and for its usage.
   *
   * @param options whether the endpoint takes {@code stream_options}
   */
  static void ask(ObjectNode request, ChatCall chat, boolean options) {
    RequestDialect dialect = chat.target().dialect();
    if (!dialect.streams(chat.request().stream())) {
      request.remove(List.of("stream", "stream_options"));
      return;
    }
    request.put("stream", true);
    if (!options || dialect.drops("stream_options")) {
      request.remove("stream_options");
      return;
    }
    ObjectNode asked = request.putObject("stream_options");
    if (chat.request().body().get("stream_options") instanceof ObjectNode clients) {
      asked.setAll(clients);
    }
    asked.put("include_usage", true);
  }
}
