package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.embedding.EmbeddingCall;
import dev.llmproxy.embedding.EmbeddingRequest;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.error.UpstreamLimitException;
import dev.llmproxy.http.LiveBody;
import dev.llmproxy.provider.LimitedInput;
import dev.llmproxy.provider.ProviderHttp;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.TurnUsage;
import java.io.IOException;
import java.io.InputStream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/**
 * The wire format {@code openai} for embeddings: creates the provider's request and reads its
 * answer.
 */
public final class OpenAiEmbedding {
  /** 4,096 numbers of 20 characters each; the longest known vectors have 4,096 numbers. */
  private static final int MOST_VECTOR_BYTES = 80 << 10;

  private final ProviderWarnings warnings = new ProviderWarnings();
  private final long mostBytes;

  /**
   * @param mostBytes the most bytes of one answer; the limit is higher for many inputs
   */
  public OpenAiEmbedding(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /**
   * Sets the message for the provider: the request with the upstream model and the necessary
   * changes.
   */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    EmbeddingCall call = context.callAs(EmbeddingCall.class);
    ObjectNode request = Json.object();
    request.setAll(call.request().body());
    call.target().dialect().applyToEmbedding(request);
    request.put("model", call.target().upstreamModel());
    ProviderHttp.request(
        exchange, call.target().provider(), "/embeddings", "application/json", request);
  }

  /**
   * Returns the provider's list of embeddings, with checked or estimated usage.
   *
   * @throws dev.llmproxy.error.ApiException when the answer is an error or not a list of embeddings
   */
  public ObjectNode receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @Header("Location") String location,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange)
      throws IOException {
    EmbeddingCall call = context.callAs(EmbeddingCall.class);
    Provider provider = call.target().provider();
    ProviderHttp.check(exchange, provider, status, retryAfter, location, body, "input");
    try {
      ObjectNode list = read(body, call);
      if (list != null) {
        return list.set("usage", usage(list.path("usage"), call));
      }
    } catch (JsonProcessingException e) {
      // The exception below reports it.
    }
    throw OpenAiErrors.upstream(
            "The provider `%s` answered with something that is no list of embeddings."
                .formatted(provider.name()))
        .asException();
  }

  private ObjectNode usage(JsonNode reported, EmbeddingCall call) {
    TurnUsage usage = new TurnUsage();
    usage.take(reported);
    warnings.ofUsage(call.target().provider().name(), usage);
    return usage.ofPrompt(call.estimatedUsage().path("total_tokens").longValue());
  }

  /** Reads the list. Aborts the connection when the answer is invalid or over the limit. */
  private ObjectNode read(InputStream body, EmbeddingCall call) throws IOException {
    EmbeddingRequest request = call.request();
    long vectors = (long) request.inputs().size() * MOST_VECTOR_BYTES;
    long most = Math.max(mostBytes, vectors);
    InputStream limited = new LimitedInput(body, most, () -> tooLong(most));
    boolean whole = false;
    try {
      ObjectNode list = EmbeddingReader.read(limited, request.base64(), call.memory());
      whole = list != null;
      return list;
    } finally {
      // A whole list has been read to the end of its body.
      if (!whole) {
        LiveBody.abort(body);
      }
    }
  }

  private static UpstreamLimitException tooLong(long most) {
    return new UpstreamLimitException(
        "sent an answer of more than %d MB, the limit of this server for so many inputs (PROVIDER_ANSWER_MB)"
            .formatted(most >> 20));
  }
}
