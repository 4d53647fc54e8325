package dev.llmproxy.chat;

import dev.llmproxy.api.HttpFront;
import dev.llmproxy.gate.Authenticator;
import dev.llmproxy.gate.Caller;
import dev.llmproxy.provider.ProviderCatalogue;
import dev.llmproxy.stream.Reply;
import java.time.Clock;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Makes a request's {@link ChatCall} and keeps what comes of it. */
public final class ChatCalls {
  private final ProviderCatalogue providers;
  private final Clock clock;

  public ChatCalls(ProviderCatalogue providers) {
    this(providers, Clock.systemUTC());
  }

  ChatCalls(ProviderCatalogue providers, Clock clock) {
    this.providers = providers;
    this.clock = clock;
  }

  /**
   * The call that a request body asks for.
   *
   * @param body UTF-8 JSON, or null
   * @throws dev.llmproxy.api.ApiException 400 for a request that cannot be, 404 for a model nobody
   *     serves
   */
  public ChatCall parse(
      @Body byte[] body, @ExchangeProperty(Authenticator.CALLER) Caller caller, Exchange exchange) {
    ChatRequest request = ChatRequest.parse(body);
    return new ChatCall(
        Reply.of(exchange).header(HttpFront.REQUEST_ID),
        caller,
        request,
        providers.select(request),
        clock.instant(),
        new Accumulator());
  }

  /** Waits until it is known whether there is another event. */
  public boolean hasNext(@ExchangeProperty("events") ChatEvents events) {
    return events.hasNext();
  }

  /** The next event, which the chat's accumulator then has too. */
  public ChatEvent next(
      @ExchangeProperty("events") ChatEvents events, @ExchangeProperty("call") ChatCall chat) {
    ChatEvent event = events.next();
    chat.accumulator().add(event);
    return event;
  }
}
