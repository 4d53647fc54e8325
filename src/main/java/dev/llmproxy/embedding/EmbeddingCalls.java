package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.http.AnswerMemory;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Creates the {@link EmbeddingCall} of a request, and its answer. */
public final class EmbeddingCalls {
  private final ProviderCatalogue providers;
  private final AnswerMemory answerMemory;

  public EmbeddingCalls(ProviderCatalogue providers, AnswerMemory answerMemory) {
    this.answerMemory = answerMemory;
    this.providers = providers;
  }

  /**
   * Parses the body of a request.
   *
   * @param body UTF-8 JSON, or null
   * @throws dev.llmproxy.error.ApiException 400 for an invalid request
   */
  public EmbeddingRequest request(@Body byte[] body) {
    return EmbeddingRequest.parse(body);
  }

  /**
   * Creates the call of a request and sets it in the context.
   *
   * @throws dev.llmproxy.error.ApiException 403 for a model that the key may not use, 404 for an
   *     unknown one
   */
  public EmbeddingCall call(
      @ExchangeProperty("request") EmbeddingRequest request,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    context.takeHeaders(exchange);
    EmbeddingCall call =
        new EmbeddingCall(
            context.requestId(),
            context.caller(),
            request,
            new Attempts(
                context
                    .caller()
                    .allowed(request.model(), providers.embeddingChain(request.model()))),
            context.started(),
            answerMemory.open());
    context.setCall(call);
    return call;
  }

  /** Whether the request is for embeddings. */
  public boolean asked(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return context.call() instanceof EmbeddingCall;
  }

  /**
   * Converts the provider's list to the answer that the client requested.
   *
   * @param provided OpenAI's list of embeddings, possibly with deviations
   * @throws dev.llmproxy.error.ApiException 502 for a list that does not match the request
   */
  public ObjectNode answer(
      @Body ObjectNode provided,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    EmbeddingCall call = context.callAs(EmbeddingCall.class);
    ObjectNode list = EmbeddingList.repaired(provided, call);
    call.succeed((ObjectNode) list.get("usage"));
    return list;
  }
}
