package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The messages of an OpenAI request in the order that other formats demand: instructions first, and
 * after each message with tool calls the results of all of them.
 *
 * @param instructions the system and developer messages before the first other message
 * @param turns the other messages, in order
 */
public record Conversation(List<Message> instructions, List<Turn> turns) {
  private static final Set<String> SYSTEM = Set.of("system", "developer");
  private static final Set<String> RESULT = Set.of("tool", "function");

  /** A message, or the results of the calls in the message before it. */
  public sealed interface Turn {}

  /**
   * A message.
   *
   * @param role {@code system} (also for developer), {@code user} or {@code assistant}
   * @param path the place in the request, for errors, e.g. {@code messages[2]}
   */
  public record Message(String role, ObjectNode json, String path) implements Turn {
    /** The parts of the content; a text is one part. */
    public List<ObjectNode> parts() {
      JsonNode content = json.path("content");
      List<ObjectNode> parts = new ArrayList<>();
      if (content.isTextual()) {
        parts.add(Json.object().put("type", "text").put("text", content.textValue()));
      }
      for (JsonNode part : content) {
        if (part instanceof ObjectNode object) {
          parts.add(object);
        } else if (part.isTextual()) {
          parts.add(Json.object().put("type", "text").put("text", part.textValue()));
        }
      }
      return parts;
    }

    /** The texts of the content, joined. */
    public String text() {
      StringBuilder text = new StringBuilder();
      parts().forEach(part -> text.append(part.path("text").asText("")));
      return text.toString();
    }

    /** The tool calls. */
    public List<JsonNode> calls() {
      return json.path("tool_calls").valueStream().filter(JsonNode::isObject).toList();
    }
  }

  /**
   * The results of the calls of the message before, one for each call and in their order.
   *
   * @param results an element is null when the request has no result for its call
   */
  public record Results(List<JsonNode> calls, List<Message> results) implements Turn {}

  /** Sorts the messages of a chat request. */
  public static Conversation of(JsonNode messages) {
    List<Message> instructions = new ArrayList<>();
    List<Turn> turns = new ArrayList<>();
    boolean[] taken = new boolean[messages.size()];
    for (int i = 0; i < messages.size(); i++) {
      if (taken[i] || !(messages.get(i) instanceof ObjectNode json)) {
        continue;
      }
      String role = role(json);
      Message message =
          new Message(
              SYSTEM.contains(role) ? "system" : role.equals("assistant") ? role : "user",
              RESULT.contains(role) ? orphan(json) : json,
              path(i));
      if (message.role().equals("system") && turns.isEmpty()) {
        instructions.add(message);
        continue;
      }
      turns.add(message);
      if (role.equals("assistant") && !message.calls().isEmpty()) {
        turns.add(results(message.calls(), messages, i + 1, taken));
      }
    }
    return new Conversation(instructions, turns);
  }

  /** The results before the next message of the assistant. */
  private static Results results(
      List<JsonNode> calls, JsonNode messages, int from, boolean[] taken) {
    int end = from;
    while (end < messages.size() && !role(messages.get(end)).equals("assistant")) {
      end++;
    }
    List<Message> results = new ArrayList<>();
    for (JsonNode call : calls) {
      Message result = null;
      for (int i = from; i < end && result == null; i++) {
        if (!taken[i]
            && messages.get(i) instanceof ObjectNode json
            && role(json).equals("tool")
            && json.path("tool_call_id").asText("").equals(call.path("id").asText(""))) {
          taken[i] = true;
          result = new Message("user", json, path(i));
        }
      }
      results.add(result);
    }
    return new Results(calls, results);
  }

  /** A result without a call, as a message of the user. */
  private static ObjectNode orphan(ObjectNode json) {
    return Json.object().put("role", "user").set("content", json.path("content"));
  }

  private static String role(JsonNode message) {
    return message.path("role").asText("");
  }

  private static String path(int index) {
    return "messages[" + index + "]";
  }

  /** The name of a call's function. */
  public static String nameOf(JsonNode call) {
    String name = call.path("function").path("name").asText("");
    return name.isEmpty() ? call.path("custom").path("name").asText("") : name;
  }

  /** The arguments of a call as an object; text that is not an object is under {@code input}. */
  public static ObjectNode argumentsOf(JsonNode call) {
    if (call.has("custom")) {
      return Json.object().put("input", call.path("custom").path("input").asText(""));
    }
    JsonNode arguments = call.path("function").path("arguments");
    if (arguments instanceof ObjectNode object) {
      return object;
    }
    String text = arguments.asText("");
    if (text.isBlank()) {
      return Json.object();
    }
    try {
      return Json.parse(text) instanceof ObjectNode object
          ? object
          : Json.object().put("input", text);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      return Json.object().put("input", text);
    }
  }

  /** The ids of the calls in an assistant's message, in order. */
  public static ArrayNode idsOf(List<JsonNode> calls) {
    ArrayNode ids = Json.array();
    calls.forEach(call -> ids.add(call.path("id").asText("")));
    return ids;
  }
}
