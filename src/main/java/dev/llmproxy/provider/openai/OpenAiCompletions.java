package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Endpoints;
import dev.llmproxy.catalogue.RequestDialect;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.chat.TextRequest;
import dev.llmproxy.provider.DroppedFields;
import dev.llmproxy.provider.ProviderEvents;
import dev.llmproxy.provider.ProviderHttp;
import dev.llmproxy.provider.ProviderWarnings;
import java.io.IOException;
import java.io.InputStream;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/**
 * The wire format {@code openai} for the continuation of texts: creates the request for the
 * provider's own endpoint, and reads its answer as that of a chat.
 */
public final class OpenAiCompletions {
  private final ProviderWarnings warnings = new ProviderWarnings();
  private final long mostBytes;

  /**
   * @param mostBytes the most bytes of one answer, at most 1 GB
   */
  public OpenAiCompletions(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** Sets the message for the provider: the client's request with the necessary changes. */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    ChatCall chat = context.callAs(ChatCall.class);
    Target target = chat.target();
    Endpoints.Completions endpoint =
        target.provider().endpoints().completions(target.upstreamModel()).orElseThrow();
    ObjectNode request = Json.object();
    request.setAll(context.formatAs(TextRequest.class).textBody());
    RequestDialect dialect = target.dialect();
    Set<String> dropped = new TreeSet<>(dialect.applyToText(request, endpoint.only()));
    DroppedFields.name(context, dropped);
    request.put("model", target.upstreamModel());
    boolean options = endpoint.only().isEmpty() || endpoint.only().contains("stream_options");
    OpenAiChat.ask(request, chat, options);
    ProviderHttp.request(
        exchange,
        target.provider(),
        endpoint.path(),
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
        exchange, chat.target().provider(), status, retryAfter, location, body, "prompt");
    return new ProviderEvents(
        body, contentType, new OpenAiStreamTranslator(chat, warnings), mostBytes, chat.memory());
  }
}
