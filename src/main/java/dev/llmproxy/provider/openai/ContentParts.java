package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Converts other values in the text fields of a delta to text: lists of parts, as Mistral sends
 * them for reasoning, single parts, and numbers. Clients expect {@code content} to be text.
 */
final class ContentParts {
  private static final String CONTENT = "content";
  private static final String REASONING = "reasoning_content";

  private ContentParts() {}

  /**
   * Converts the text fields of a delta to text. Image parts are moved to the field {@code images}.
   */
  static void repair(ObjectNode delta) {
    // The common case is text: one lookup.
    JsonNode content = delta.get(CONTENT);
    if (content != null && !content.isTextual() && !content.isNull()) {
      delta.put(CONTENT, "");
      take(delta, content, CONTENT);
    }
    for (String field : new String[] {REASONING, "reasoning", "refusal"}) {
      JsonNode value = delta.get(field);
      if (value != null && !value.isTextual() && !value.isNull()) {
        delta.put(field, "");
        take(delta, value, field);
      }
    }
  }

  private static void take(ObjectNode delta, JsonNode said, String field) {
    if (said instanceof ArrayNode parts) {
      parts.forEach(part -> take(delta, part, field));
    } else if (said instanceof ObjectNode part) {
      takePart(delta, part, field);
    } else if (!said.isNull() && !said.isBoolean()) {
      append(delta, field, said.asText());
    }
  }

  private static void takePart(ObjectNode delta, ObjectNode part, String field) {
    String type = part.path("type").asText("");
    if (type.startsWith("image") && part.has("image_url")) {
      delta.withArray("images").add(part);
    } else if (part.has("thinking")) {
      take(delta, part.get("thinking"), REASONING);
    } else if (part.has("reasoning")) {
      take(delta, part.get("reasoning"), REASONING);
    } else if (part.has("refusal")) {
      take(delta, part.get("refusal"), "refusal");
    } else {
      boolean thinks = type.equals("thinking") || type.startsWith("reasoning");
      String to = thinks ? REASONING : field;
      for (String text : new String[] {"text", CONTENT, "summary", "value"}) {
        if (part.has(text)) {
          take(delta, part.get(text), to);
          return;
        }
      }
    }
  }

  private static void append(ObjectNode delta, String field, String text) {
    delta.put(field, delta.path(field).asText("") + text);
  }
}
