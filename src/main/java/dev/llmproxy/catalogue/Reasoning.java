package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * The reasoning of earlier turns in assistant messages. Clients send it back in the field in which
 * they got it, from whichever provider answered then.
 */
final class Reasoning {
  private static final List<String> FIELDS = List.of("reasoning_content", "reasoning");

  private Reasoning() {}

  /**
   * Moves the reasoning of a message.
   *
   * @param place as {@link RequestDialect#reasoning}
   */
  static void move(ObjectNode message, String place) {
    String text = "";
    for (String field : FIELDS) {
      JsonNode value = message.remove(field);
      if (text.isEmpty() && value != null && value.isTextual()) {
        text = value.textValue();
      }
    }
    if (text.isEmpty() || place.equals("none")) {
      return;
    }
    if (!place.equals("thinking")) {
      message.put(place, text);
      return;
    }
    ArrayNode parts = message.arrayNode();
    parts
        .addObject()
        .put("type", "thinking")
        .putArray("thinking")
        .addObject()
        .put("type", "text")
        .put("text", text);
    JsonNode content = message.path("content");
    if (content instanceof ArrayNode more) {
      parts.addAll(more);
    } else if (!content.asText("").isEmpty()) {
      parts.addObject().put("type", "text").put("text", content.asText());
    }
    message.set("content", parts);
  }
}
