package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.api.OpenAiErrors;
import dev.llmproxy.embedding.EmbeddingCall;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/** The wire format {@code openai} for embeddings: the request as it came, and the answer whole. */
public final class OpenAiEmbedding {
  /** The most that OpenAI lets one request embed, as digits, is below this. */
  private static final int MOST_ANSWER_BYTES = 128 << 20;

  /** Makes the message for the provider: the request with the provider's name of the model. */
  public void prepare(@ExchangeProperty("call") EmbeddingCall call, Exchange exchange) {
    ObjectNode request = Json.object();
    request.setAll(call.request().body());
    call.target().provider().dialect().applyToEmbedding(request);
    request.put("model", call.target().upstreamModel());
    OpenAiHttp.request(
        exchange, call.target().provider(), "/embeddings", "application/json", request);
  }

  /** The provider's list of embeddings as it came. */
  public ObjectNode receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @Header("Location") String location,
      @ExchangeProperty("call") EmbeddingCall call)
      throws IOException {
    Provider provider = call.target().provider();
    OpenAiHttp.check(provider, status, retryAfter, location, body, "input");
    byte[] answer = body.readNBytes(MOST_ANSWER_BYTES + 1);
    try {
      if (answer.length <= MOST_ANSWER_BYTES && Json.parse(answer) instanceof ObjectNode list) {
        return list;
      }
    } catch (JsonProcessingException e) {
      // The message below serves all cases.
    }
    OpenAiHttp.abort(body);
    throw OpenAiErrors.upstream(
            "The provider `%s` answered with something that is no list of embeddings."
                .formatted(provider.name()))
        .asException();
  }
}
