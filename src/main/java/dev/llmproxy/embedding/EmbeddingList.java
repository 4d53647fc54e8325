package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.OpenAiErrors;
import java.util.Arrays;

/**
 * OpenAI's list of embeddings. Providers may answer in another encoding, out of order or without
 * usage; this class repairs their lists.
 */
final class EmbeddingList {
  private EmbeddingList() {}

  /**
   * Returns one embedding for each input, in the order of the inputs and in the requested encoding.
   * Unknown fields stay.
   *
   * @throws dev.llmproxy.error.ApiException 502 when the provider's list cannot be repaired
   */
  static ObjectNode repaired(ObjectNode provided, EmbeddingCall call) {
    EmbeddingRequest request = call.request();
    ObjectNode[] inOrder = inOrder(provided.path("data"), call);
    ArrayNode data = Json.array();
    for (int i = 0; i < inOrder.length; i++) {
      ObjectNode one = inOrder[i];
      try {
        one.set("embedding", VectorJson.encoded(one.path("embedding"), request.base64()));
      } catch (IllegalArgumentException e) {
        throw OpenAiErrors.upstream(
                "The provider `%s` gave no embedding for input %d: %s"
                    .formatted(call.target().provider().name(), i, e.getMessage()))
            .asException();
      }
      data.add(one.put("object", "embedding").put("index", i));
    }
    ObjectNode list = Json.object().put("object", "list");
    list.set("data", data);
    list.put("model", request.model());
    list.set("usage", usage(provided, call));
    provided.properties().stream()
        .filter(field -> !list.has(field.getKey()))
        .forEach(field -> list.set(field.getKey(), field.getValue()));
    return list;
  }

  private static ObjectNode[] inOrder(JsonNode data, EmbeddingCall call) {
    int inputs = call.request().inputs().size();
    if (data.size() != inputs || !data.valueStream().allMatch(JsonNode::isObject)) {
      throw OpenAiErrors.upstream(
              "The provider `%s` answered %d inputs with %d embeddings."
                  .formatted(call.target().provider().name(), inputs, data.size()))
          .asException();
    }
    ObjectNode[] inOrder = new ObjectNode[inputs];
    for (JsonNode one : data) {
      int index = one.path("index").asInt(-1);
      if (index >= 0 && index < inputs) {
        inOrder[index] = (ObjectNode) one;
      }
    }
    // Some providers send no indexes, or 0 in all of them. Their order counts as the order of the
    // inputs.
    if (Arrays.asList(inOrder).contains(null)) {
      return data.valueStream().map(ObjectNode.class::cast).toArray(ObjectNode[]::new);
    }
    return inOrder;
  }

  private static ObjectNode usage(ObjectNode provided, EmbeddingCall call) {
    return provided.get("usage") instanceof ObjectNode usage ? usage : call.estimatedUsage();
  }
}
