package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.api.HttpFront;
import dev.llmproxy.gate.Authenticator;
import dev.llmproxy.gate.Caller;
import dev.llmproxy.provider.ProviderCatalogue;
import dev.llmproxy.stream.Reply;
import java.time.Clock;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Makes a request's {@link EmbeddingCall} and answers it. */
public final class EmbeddingCalls {
  private final ProviderCatalogue providers;
  private final Clock clock;

  public EmbeddingCalls(ProviderCatalogue providers) {
    this.providers = providers;
    this.clock = Clock.systemUTC();
  }

  /**
   * The call that a request body asks for.
   *
   * @param body UTF-8 JSON, or null
   * @throws dev.llmproxy.api.ApiException 400 for a request that cannot be, 404 for a model nobody
   *     serves
   */
  public EmbeddingCall parse(
      @Body byte[] body, @ExchangeProperty(Authenticator.CALLER) Caller caller, Exchange exchange) {
    EmbeddingRequest request = EmbeddingRequest.parse(body);
    return new EmbeddingCall(
        Reply.of(exchange).header(HttpFront.REQUEST_ID),
        caller,
        request,
        providers.select(request),
        clock.instant());
  }

  /**
   * Sends the embeddings as the client asked for them.
   *
   * @param provided OpenAI's list of embeddings, more or less
   * @throws dev.llmproxy.api.ApiException 502 for a list that does not fit the request
   */
  public void answer(
      @Body ObjectNode provided, @ExchangeProperty("call") EmbeddingCall call, Exchange exchange) {
    ObjectNode list = EmbeddingList.repaired(provided, call);
    call.succeed((ObjectNode) list.get("usage"));
    Reply.of(exchange).json(200, list);
  }
}
