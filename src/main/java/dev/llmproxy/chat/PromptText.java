package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.tool.ToolResult;
import java.util.regex.Pattern;

/** Reads and changes the texts in the messages of a request. */
final class PromptText {
  private static final int SNIPPET_CHARACTERS = 300;
  private static final Pattern GAPS = Pattern.compile("\\s+");

  private PromptText() {}

  /** The text of a message's content; text parts are concatenated. */
  static String of(JsonNode content) {
    if (!content.isArray()) {
      return content.asText("");
    }
    StringBuilder text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asText("")));
    return text.toString();
  }

  /** Returns the message with replaced texts; the same object when nothing matches. */
  static ObjectNode replaced(ObjectNode message, Pattern pattern, String replacement) {
    JsonNode content = message.path("content");
    if (!pattern.matcher(of(content)).find()) {
      return message;
    }
    ObjectNode changed = message.deepCopy();
    if (changed.get("content") instanceof ArrayNode parts) {
      for (JsonNode part : parts) {
        if (part instanceof ObjectNode object && part.path("text").isTextual()) {
          object.put("text", pattern.matcher(part.path("text").asText()).replaceAll(replacement));
        }
      }
    } else {
      changed.put("content", pattern.matcher(content.asText()).replaceAll(replacement));
    }
    return changed;
  }

  /**
   * Returns the messages with search results added to the last user message.
   *
   * @param most the most results to add, in the order of the search
   */
  static ArrayNode withSearch(ArrayNode messages, ToolResult search, int most) {
    int last = messages.size() - 1;
    while (last > 0 && !messages.get(last).path("role").asText("").equals("user")) {
      last--;
    }
    ArrayNode changed = Json.array().addAll(messages);
    ObjectNode message = Json.object().setAll((ObjectNode) messages.get(last));
    if (search.sources().isEmpty()) {
      put(message, "", "\n\n(A web search for this brought nothing.)");
    } else {
      // A very small model otherwise writes on without end.
      put(message, found(search, most), most == 1 ? "\nAnswer in one or two sentences." : "");
    }
    changed.set(last, message);
    return changed;
  }

  private static void put(ObjectNode message, String before, String after) {
    JsonNode content = message.path("content");
    if (content instanceof ArrayNode parts) {
      ArrayNode around = message.putArray("content");
      addPart(around, before);
      around.addAll(parts);
      addPart(around, after);
    } else {
      message.put("content", before + content.asText("") + after);
    }
  }

  private static void addPart(ArrayNode parts, String text) {
    if (!text.isEmpty()) {
      parts.addObject().put("type", "text").put("text", text);
    }
  }

  private static String found(ToolResult search, int most) {
    StringBuilder text = new StringBuilder("Use these search results to answer the question.\n");
    search.sources().stream()
        .limit(most)
        .forEach(result ->
            text.append(
                "\n%s (%s)\n%s\n"
                    .formatted(
                        result.title(),
                        result.url(),
                        ShownText.cut(
                            GAPS.matcher(result.snippet()).replaceAll(" "), SNIPPET_CHARACTERS))));
    return text.append("\nQuestion: ").toString();
  }
}
