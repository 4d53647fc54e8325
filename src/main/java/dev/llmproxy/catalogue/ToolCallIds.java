package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Sha256;

/**
 * Ids of tool calls for providers that accept only short ones, as Mistral. A conversation may
 * contain ids of other providers and of this server. A call and its result get the same id, because
 * it depends only on the original one.
 */
final class ToolCallIds {
  private static final String RESULT = "tool_call_id";

  private ToolCallIds() {}

  /**
   * Replaces the ids in a message that do not consist of exactly {@code length} letters and digits.
   */
  static void shorten(ObjectNode message, int length) {
    if (message.path(RESULT).isTextual()) {
      message.put(RESULT, shortened(message.get(RESULT).textValue(), length));
    }
    if (message.get("tool_calls") instanceof ArrayNode calls) {
      ArrayNode changed = message.arrayNode();
      for (JsonNode call : calls) {
        JsonNode copy = call.deepCopy();
        if (copy instanceof ObjectNode object && object.path("id").isTextual()) {
          object.put("id", shortened(object.get("id").textValue(), length));
        }
        changed.add(copy);
      }
      message.set("tool_calls", changed);
    }
  }

  private static String shortened(String id, int length) {
    boolean fits =
        id.length() == length
            && id.chars().allMatch(sign -> sign < 128 && Character.isLetterOrDigit(sign));
    return fits ? id : Sha256.hex(id).substring(0, length);
  }
}
