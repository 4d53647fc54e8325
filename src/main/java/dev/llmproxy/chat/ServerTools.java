package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.tool.Tool;
import java.util.Map;
import java.util.Set;

/**
 * The tools that the server runs itself in one chat.
 *
 * @param body what the provider is asked: the client's request, with these tools as functions in
 *     place of the words that asked for them
 * @param offered by name; empty in most chats
 * @param search what is searched for before the model is asked, because it cannot call tools; null
 *     otherwise
 */
record ServerTools(ObjectNode body, Map<String, Tool> offered, Search search) {
  /**
   * A search before the first turn.
   *
   * @param results how many of them the model gets at most
   */
  record Search(String question, int results) {}

  /** Nothing but the request. */
  static ServerTools none(ChatRequest request) {
    return new ServerTools(request.body(), Map.of(), null);
  }

  /** Whether the server does anything but ask the provider once. */
  boolean any() {
    return !offered.isEmpty() || search != null;
  }

  /** What may be run. */
  Set<String> names() {
    return search == null ? offered.keySet() : Set.of(ToolOffer.WEB_SEARCH);
  }

  /** Whether a call of this name is the server's to answer, and not the client's. */
  boolean answers(String name) {
    // A name that nobody has goes back to the model with those that exist, unless the client may
    // know it.
    return offered.containsKey(name)
        || (!offered.isEmpty() && body.path("tools").size() == offered.size());
  }
}
