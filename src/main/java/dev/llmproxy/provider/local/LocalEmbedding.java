package dev.llmproxy.provider.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.embedding.EmbeddingCall;
import dev.llmproxy.embedding.EmbeddingRequest;
import dev.llmproxy.embedding.VectorJson;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.local.embedding.EmbeddingModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.ExchangeProperty;

/**
 * The wire format {@code local} for embeddings: runs OpenAI's request on the model in this process.
 * The first request loads the model.
 */
public final class LocalEmbedding implements AutoCloseable {
  private EmbeddingModel model;

  /**
   * Computes OpenAI's list of embeddings.
   *
   * @throws ApiException 400 for an unsupported option, 503 when the model cannot be loaded
   */
  public ObjectNode embed(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    EmbeddingCall call = context.callAs(EmbeddingCall.class);
    EmbeddingRequest request = call.request();
    int dimensions = request.body().path("dimensions").asInt(EmbeddingModel.DIMENSIONS);
    if (dimensions != EmbeddingModel.DIMENSIONS) {
      throw OpenAiErrors.invalidValue(
              "dimensions", "this model's vectors have %d.".formatted(EmbeddingModel.DIMENSIONS))
          .asException();
    }
    EmbeddingModel loaded = loaded();
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < request.inputs().size(); i++) {
      texts.add(tokens(loaded, request.inputs().get(i), request.path(i)));
    }
    ObjectNode list = Json.object();
    ArrayNode data = list.putArray("data");
    try {
      for (int[] tokens : texts) {
        data.addObject().set("embedding", VectorJson.of(loaded.embed(tokens), request.base64()));
      }
    } catch (InterruptedException e) {
      throw new ClientGoneException();
    }
    list.set("usage", EmbeddingCall.usage(texts.stream().mapToLong(one -> one.length).sum()));
    return list;
  }

  /** Frees the model's memory. Running requests fail. */
  @Override
  public synchronized void close() {
    if (model != null) {
      model.close();
      model = null;
    }
  }

  private synchronized EmbeddingModel loaded() {
    if (model == null) {
      try {
        model = EmbeddingModel.load();
      } catch (IOException e) {
        throw OpenAiErrors.unavailable(
                "The local embedding model cannot be used: " + e.getMessage())
            .asException();
      }
    }
    return model;
  }

  private static int[] tokens(EmbeddingModel model, JsonNode input, String path) {
    if (!input.isTextual()) {
      throw OpenAiErrors.invalidValue(
              path, "this model takes texts, no tokens: its token numbers are not OpenAI's.")
          .asException();
    }
    int[] tokens = model.tokens(input.textValue());
    if (tokens.length > EmbeddingModel.MOST_TOKENS) {
      throw OpenAiErrors.contextLengthExceeded(path, EmbeddingModel.MOST_TOKENS, tokens.length)
          .asException();
    }
    return tokens;
  }
}
