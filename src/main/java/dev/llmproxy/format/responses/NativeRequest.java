package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ReasoningSeal;
import java.util.List;

/**
 * The client's request for a provider that speaks the Responses format. It is the request as it was
 * sent, except for what only this server knows: the turns before, which this server remembers and
 * the provider does not, and references to remembered items.
 */
final class NativeRequest {
  private static final String ENCRYPTED = "encrypted_content";

  private NativeRequest() {}

  /**
   * The request; its model is still the client's.
   *
   * @param body the client's request; never changed
   * @param items all items of the conversation
   * @param keeps whether this server remembers the response
   */
  static ObjectNode of(ObjectNode body, List<Item> items, boolean keeps) {
    ObjectNode request = Json.object();
    request.setAll(body);
    request.remove("previous_response_id");
    // Its answers are remembered here, so that a key finds only its own.
    request.put("store", false);
    if (body.path("input").isArray() || body.hasNonNull("previous_response_id")) {
      ArrayNode input = request.putArray("input");
      for (Item item : items) {
        if (isForProvider(item.json())) {
          input.add(withoutOwnFields(item.json()));
        }
      }
    }
    if (keeps && body.path("reasoning").isObject()) {
      include(request, "reasoning." + ENCRYPTED);
    }
    return request;
  }

  /**
   * Thoughts without the provider's own seal, and calls of this server's tools, are unknown there.
   */
  private static boolean isForProvider(JsonNode item) {
    return switch (item.path("type").asText("")) {
      case "reasoning" -> {
        String sealed = item.path(ENCRYPTED).asText("");
        yield !sealed.isEmpty() && !ReasoningSeal.isSealed(sealed);
      }
      case "mcp_call" -> !item.path("server_label").asText("").equals(ServerToolItems.LABEL);
      default -> true;
    };
  }

  private static JsonNode withoutOwnFields(JsonNode item) {
    if (!item.has(ResponseMemory.THOUGHT) && !item.has(ResponseMemory.HIDDEN)) {
      return item;
    }
    ObjectNode copy = Json.object();
    copy.setAll((ObjectNode) item);
    copy.remove(List.of(ResponseMemory.THOUGHT, ResponseMemory.HIDDEN));
    return copy;
  }

  private static void include(ObjectNode request, String what) {
    ArrayNode all = Json.array();
    boolean known = false;
    for (JsonNode each : request.path("include")) {
      known |= each.asText().equals(what);
      all.add(each);
    }
    request.set("include", known ? all : all.add(what));
  }
}
