package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.tool.Tool;
import java.util.Map;
import java.util.Set;

/**
 * The tools that the server runs itself in one chat.
 *
 * @param body the request to the provider: the client's request with these tools as functions
 * @param offered the tools by name; empty in most chats
 * @param search the search to run before the first turn, for a model that cannot call tools; null
 *     otherwise
 * @param most the most calls of a tool that the client allows, by its name; none for the other
 *     tools
 */
public record ServerTools(
    ObjectNode body, Map<String, Tool> offered, Search search, Map<String, Integer> most) {
  /**
   * A search before the first turn.
   *
   * @param question the query
   * @param results the most results that the model gets
   */
  record Search(String question, int results) {}

  /** A chat without tools of the server. */
  static ServerTools none(ChatRequest request) {
    return without(request.body());
  }

  /** A chat with this body and without tools of the server. */
  static ServerTools without(ObjectNode body) {
    return new ServerTools(body, Map.of(), null, Map.of());
  }

  /** Whether the server may run a tool in this chat. */
  public boolean any() {
    return !offered.isEmpty() || search != null;
  }

  /** The names of the tools that may run. */
  Set<String> names() {
    return search == null ? offered.keySet() : Set.of(ToolOffer.WEB_SEARCH);
  }

  /** Whether the server answers a call of this name, and not the client. */
  boolean answers(String name) {
    // When the client offered no functions, the server also answers an unknown name: the model gets
    // the list of tools.
    return offered.containsKey(name)
        || (!offered.isEmpty() && body.path("tools").size() == offered.size());
  }
}
