package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.call.TextChange;
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

  /** Returns the message with changed texts; the same object when none has changed. */
  static ObjectNode changed(ObjectNode message, TextChange change) {
    String role = message.path("role").asText("");
    ObjectNode copy = Json.object().setAll(message);
    JsonNode content = message.path("content");
    if (content.isArray()) {
      ArrayNode parts = copy.putArray("content");
      content.forEach(part -> parts.add(withText(part, "text", role, change)));
    } else {
      copy = (ObjectNode) withText(copy, "content", role, change);
    }
    if (message.path("tool_calls").isArray()) {
      ArrayNode calls = copy.putArray("tool_calls");
      for (JsonNode call : message.path("tool_calls")) {
        JsonNode function = call.path("function");
        JsonNode changed = withText(function, "arguments", TextChange.TOOL_CALL, change);
        calls.add(changed.equals(function) ? call : copy(call).set("function", changed));
      }
    }
    return copy.equals(message) ? message : copy;
  }

  /** Returns the object with a changed text in a field; the same one when it has no text there. */
  private static JsonNode withText(JsonNode object, String field, String role, TextChange change) {
    JsonNode text = object.path(field);
    if (!text.isTextual()) {
      return object;
    }
    String changed = change.changed(role, text.textValue());
    return changed.equals(text.textValue()) ? object : copy(object).put(field, changed);
  }

  private static ObjectNode copy(JsonNode object) {
    return Json.object().setAll((ObjectNode) object);
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
