package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts messages into the order that chats need: calls that belong together are one message, and
 * their results follow it directly, whatever the client has put between them. Providers refuse
 * anything else.
 */
final class ChatHistory {
  private static final String ROLE = "role";
  private static final String CONTENT = "content";
  private static final String CALLS = "tool_calls";
  private static final String REASONING = "reasoning_content";

  /** A tool's result whose text is in its images only. */
  private static final String SEE_BELOW = "(See the attachment below.)";

  private final List<Entry> entries = new ArrayList<>();
  private final Map<String, Entry> byCall = new HashMap<>();
  private final StringBuilder thoughts = new StringBuilder();

  /** A message with the results of its calls, and what they have that is no text. */
  private record Entry(ObjectNode message, List<ObjectNode> results, List<ObjectNode> attached) {
    Entry(ObjectNode message) {
      this(message, new ArrayList<>(), new ArrayList<>());
    }

    boolean isOpenTurn() {
      return message.path(ROLE).asText().equals("assistant") && results.isEmpty();
    }

    /** Whether some of its calls have no result yet. */
    boolean waits() {
      return message.path(CALLS).size() > results.size();
    }
  }

  /** Adds a message that is not the assistant's. */
  void message(String role, JsonNode content) {
    ObjectNode message = Json.object().put(ROLE, role);
    message.set(CONTENT, content);
    entries.add(new Entry(message));
  }

  /** Adds a text of the assistant. */
  void assistant(String text) {
    Entry last = entries.isEmpty() ? null : entries.getLast();
    if (last != null && last.waits()) {
      String before = last.message().path(CONTENT).asText("");
      last.message().put(CONTENT, before.isEmpty() ? text : before + "\n\n" + text);
    } else {
      turn().put(CONTENT, text);
    }
  }

  /** Adds a call of the assistant; it joins the assistant's message before it. */
  void call(String id, String function, String arguments) {
    Entry turn = entries.isEmpty() ? null : entries.getLast();
    if (turn == null || !turn.isOpenTurn()) {
      turn().putNull(CONTENT);
      turn = entries.getLast();
    }
    think(turn.message());
    ObjectNode message = turn.message();
    ArrayNode calls =
        message.get(CALLS) instanceof ArrayNode begun ? begun : message.putArray(CALLS);
    calls
        .addObject()
        .put("id", id)
        .put("type", "function")
        .putObject("function")
        .put("name", function)
        .put("arguments", arguments);
    byCall.put(id, turn);
  }

  /**
   * Adds the result of a call.
   *
   * @return false when there is no such call
   */
  boolean result(String callId, List<ObjectNode> parts) {
    Entry turn = byCall.get(callId);
    if (turn == null) {
      return false;
    }
    String text = MessageContent.text(parts, "\n");
    List<ObjectNode> others = parts.stream().filter(part -> !MessageContent.isText(part)).toList();
    turn.results()
        .add(
            Json.object()
                .put(ROLE, "tool")
                .put("tool_call_id", callId)
                .put(CONTENT, text.isEmpty() && !others.isEmpty() ? SEE_BELOW : text));
    turn.attached().addAll(others);
    return true;
  }

  /** Adds what the assistant thought before its next message. */
  void thought(String text) {
    thoughts.append(text);
  }

  private ObjectNode turn() {
    ObjectNode message = Json.object().put(ROLE, "assistant");
    think(message);
    entries.add(new Entry(message));
    return message;
  }

  private void think(ObjectNode message) {
    if (!thoughts.isEmpty()) {
      message.put(REASONING, message.path(REASONING).asText("") + thoughts);
      thoughts.setLength(0);
    }
  }

  /** All messages, in order. */
  ArrayNode messages() {
    ArrayNode messages = Json.array();
    for (Entry entry : entries) {
      messages.add(entry.message());
      entry.results().forEach(messages::add);
      if (!entry.attached().isEmpty()) {
        messages.addObject().put(ROLE, "user").set(CONTENT, Json.array().addAll(entry.attached()));
      }
    }
    return messages;
  }
}
