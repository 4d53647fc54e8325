package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.http.AnswerMemory;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Makes a request's {@link EmbeddingCall} and answers it. */
public final class EmbeddingCalls {
  private final ProviderCatalogue providers;
  private final AnswerMemory answerMemory;

  public EmbeddingCalls(ProviderCatalogue providers, AnswerMemory answerMemory) {
    this.answerMemory = answerMemory;
    this.providers = providers;
  }

  /**
   * What a body asks for.
   *
   * @param body UTF-8 JSON, or null
   * @throws dev.llmproxy.error.ApiException 400 for a request that cannot be
   */
  public EmbeddingRequest request(@Body byte[] body) {
    return EmbeddingRequest.parse(body);
  }

  /**
   * Sets and gives the call that a request asks for.
   *
   * @throws dev.llmproxy.error.ApiException 404 for a model nobody serves
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
            providers.embeddingTarget(request.model()),
            context.started(),
            answerMemory.open());
    context.setCall(call);
    return call;
  }

  /**
   * Makes the answer of what the provider gave: the embeddings as the client asked for them.
   *
   * @param provided OpenAI's list of embeddings, more or less
   * @throws dev.llmproxy.error.ApiException 502 for a list that does not fit the request
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
