package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.tool.SearchResult;
import dev.llmproxy.tool.ToolResult;

/** Words in the messages of a request. */
final class PromptText {
  /** Small models have small contexts. */
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

  /** The same messages with what was found added to what the user said last. */
  static ArrayNode withSearch(ArrayNode messages, ToolResult search) {
    int last = messages.size() - 1;
    while (last > 0 && !messages.get(last).path("role").asText("").equals("user")) {
      last--;
    }
    ArrayNode changed = Json.array().addAll(messages);
    ObjectNode message = Json.object().setAll((ObjectNode) messages.get(last));
    JsonNode content = message.path("content");
    if (content instanceof ArrayNode parts) {
      message
          .putArray("content")
          .addAll(parts)
          .addObject()
          .put("type", "text")
          .put("text", found(search));
    } else {
      message.put("content", content.asText("") + "\n\n" + found(search));
    }
    changed.set(last, message);
    return changed;
  }

  private static String found(ToolResult search) {
    if (search.sources().isEmpty()) {
      return "(A web search for this brought nothing.)";
    }
    StringBuilder text = new StringBuilder("A web search for this has found:\n");
    for (SearchResult result : search.sources()) {
      String snippet = result.snippet();
      text.append("- ").append(result.title()).append(" (").append(result.url()).append("): ");
      text.append(
          snippet.length() <= SNIPPET_CHARACTERS
              ? snippet
              : snippet.substring(
                      0,
                      snippet.offsetByCodePoints(
                          0,
                          Math.min(
                              SNIPPET_CHARACTERS, snippet.codePointCount(0, snippet.length()))))
                  + "…");
      text.append('\n');
    }
    return text.append("Answer with the help of what it says.").toString();
  }
}
