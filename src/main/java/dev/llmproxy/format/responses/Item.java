package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/**
 * An item of a conversation.
 *
 * @param json the item as the client sent it or got it
 * @param path of the item in the request, for errors
 * @param thought the text of a remembered reasoning item; null for all other items
 */
record Item(JsonNode json, String path, String thought) {
  private static final Set<String> WITH_TOOLS = Set.of("additional_tools", "tool_search_output");
  private static final String REFERENCE = "item_reference";

  /** An item that the client sent. */
  Item(JsonNode json, String path) {
    this(json, path, null);
  }

  /** The type; an item without a type is a message if it has a role, or else names another item. */
  String type() {
    String type = json.path("type").asText("");
    if (!type.isEmpty()) {
      return type;
    }
    if (json.hasNonNull("role")) {
      return "message";
    }
    return json.hasNonNull("id") ? REFERENCE : "message";
  }

  /** Whether it stands for another item. */
  boolean isReference() {
    return type().equals(REFERENCE);
  }

  /** Whether items of this type bring tools with them. */
  static boolean addsTools(String type) {
    return WITH_TOOLS.contains(type);
  }
}
