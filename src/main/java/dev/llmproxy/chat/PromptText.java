package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.tool.SearchResult;
import dev.llmproxy.tool.ToolResult;

/** Words in the messages of a request. */
final class PromptText {
  // A model that cannot call tools is a small one: of more than the best it answers worse.
  private static final int SNIPPET_CHARACTERS = 300;

  private PromptText() {}

  /** The text of a message's content; its text parts one after the other. */
  static String of(JsonNode content) {
    if (!content.isArray()) {
      return content.asText("");
    }
    StringBuilder text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asText("")));
    return text.toString();
  }

  /** The same messages with the best that was found put around what the user said last. */
  static ArrayNode withSearch(ArrayNode messages, ToolResult search) {
    int last = messages.size() - 1;
    while (last > 0 && !messages.get(last).path("role").asText("").equals("user")) {
      last--;
    }
    ArrayNode changed = Json.array().addAll(messages);
    ObjectNode message = Json.object().setAll((ObjectNode) messages.get(last));
    boolean nothing = search.sources().isEmpty();
    String before = nothing ? "" : found(search);
    String after =
        nothing
            ? "\n\n(A web search for this brought nothing.)"
            : "\nAnswer in one or two sentences.";
    JsonNode content = message.path("content");
    if (content instanceof ArrayNode parts) {
      ArrayNode around = message.putArray("content");
      if (!before.isEmpty()) {
        around.add(part(before));
      }
      around.addAll(parts).add(part(after));
    } else {
      message.put("content", before + content.asText("") + after);
    }
    changed.set(last, message);
    return changed;
  }

  private static ObjectNode part(String text) {
    return Json.object().put("type", "text").put("text", text);
  }

  private static String found(ToolResult search) {
    SearchResult best = search.sources().getFirst();
    return "Use these search results to answer the question.\n\n%s (%s)\n%s\n\nQuestion: "
        .formatted(
            best.title(),
            best.url(),
            ToolResult.cut(best.snippet().replaceAll("\\s+", " "), SNIPPET_CHARACTERS, "…"));
  }
}
