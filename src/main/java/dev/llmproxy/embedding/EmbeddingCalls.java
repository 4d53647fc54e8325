package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.http.HttpFront;
import dev.llmproxy.http.Reply;
import java.time.Clock;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Makes a request's {@link EmbeddingCall} and answers it. */
public final class EmbeddingCalls {
  private final ProviderCatalogue providers;
  private final AnswerMemory answerMemory;
  private final Clock clock;

  public EmbeddingCalls(ProviderCatalogue providers, AnswerMemory answerMemory) {
    this.answerMemory = answerMemory;
    this.providers = providers;
    this.clock = Clock.systemUTC();
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
   * The call that a request asks for.
   *
   * @throws dev.llmproxy.error.ApiException 404 for a model nobody serves
   */
  public EmbeddingCall call(
      @ExchangeProperty("request") EmbeddingRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      Exchange exchange) {
    return new EmbeddingCall(
        Reply.answering(exchange).header(HttpFront.REQUEST_ID),
        caller,
        request,
        providers.embeddingTarget(request.model()),
        clock.instant(),
        answerMemory.open());
  }

  /**
   * Sends the embeddings as the client asked for them.
   *
   * @param provided OpenAI's list of embeddings, more or less
   * @throws dev.llmproxy.error.ApiException 502 for a list that does not fit the request
   */
  public void answer(
      @Body ObjectNode provided, @ExchangeProperty("call") EmbeddingCall call, Exchange exchange) {
    ObjectNode list = EmbeddingList.repaired(provided, call);
    call.succeed((ObjectNode) list.get("usage"));
    Reply.answering(exchange).json(200, list);
  }
}
