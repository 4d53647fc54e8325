package dev.llmproxy.cache;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns a whole completion into chat events, as if a provider sent it now. An accumulator makes the
 * same completion of them again. One per completion.
 */
final class CompletionEvents {
  /**
   * The characters of a text in one chunk. Some clients cannot read an event of more than 64 KB.
   */
  private static final int PIECE = 200;

  private static final String CONTENT = "content";
  private static final String REFUSAL = "refusal";
  private static final String CALLS = "tool_calls";
  private static final String LOGPROBS = "logprobs";
  private static final String FINISH = "finish_reason";

  /** Fields that are not copied to the chunks as they are. */
  private static final Set<String> OF_COMPLETIONS =
      Set.of("id", "object", "created", "model", "choices", "usage");

  private static final Set<String> OF_MESSAGES = Set.of("role", CONTENT, REFUSAL, CALLS);
  private static final Set<String> OF_CHOICES = Set.of("index", "message", LOGPROBS, FINISH);

  private final ObjectNode completion;
  private final ObjectNode head;
  private final ObjectNode lists = Json.object();
  private final List<ChatEvent> events = new ArrayList<>();

  /**
   * @param completion OpenAI's {@code chat.completion} with usage
   * @param head the fields of every chunk: id, object, created and model
   */
  private CompletionEvents(ObjectNode completion, ObjectNode head) {
    this.completion = completion;
    this.head = head.deepCopy();
    completion.properties().stream()
        .filter(field -> !OF_COMPLETIONS.contains(field.getKey()))
        .forEach(field ->
            (field.getValue().isContainerNode() ? lists : this.head)
                .set(field.getKey(), field.getValue()));
  }

  /** The events of a completion; see the constructor. */
  static List<ChatEvent> of(ObjectNode completion, ObjectNode head) {
    CompletionEvents all = new CompletionEvents(completion, head);
    completion.path("choices").forEach(all::message);
    completion.path("choices").forEach(all::finish);
    all.events.add(new ChatEvent.Complete((ObjectNode) completion.get("usage")));
    return all.events;
  }

  private void message(JsonNode choice) {
    JsonNode message = choice.path("message");
    JsonNode content = message.path(CONTENT);
    ObjectNode first = Json.object();
    first.set("role", message.path("role"));
    boolean noText = content.isNull() && message.path(REFUSAL).isNull();
    first.put(CONTENT, noText ? null : "");
    add(choice, first);
    // Providers send thoughts before the text.
    message.properties().stream()
        .filter(field -> !OF_MESSAGES.contains(field.getKey()) && field.getValue().isTextual())
        .forEach(field -> text(choice, field.getKey(), field.getValue()));
    if (choice.path(LOGPROBS).isObject()) {
      ObjectNode delta = Json.object();
      copy(message, delta, CONTENT);
      copy(message, delta, REFUSAL);
      add(choice, delta).set(LOGPROBS, choice.get(LOGPROBS));
    } else {
      text(choice, CONTENT, content);
      text(choice, REFUSAL, message.path(REFUSAL));
    }
    ObjectNode others = Json.object();
    message.properties().stream()
        .filter(field -> !OF_MESSAGES.contains(field.getKey()) && !field.getValue().isTextual())
        .forEach(field -> others.set(field.getKey(), field.getValue()));
    if (!others.isEmpty()) {
      add(choice, others);
    }
    for (int i = 0; i < message.path(CALLS).size(); i++) {
      call(choice, i, message.path(CALLS).get(i));
    }
  }

  private static void copy(JsonNode message, ObjectNode delta, String name) {
    if (message.path(name).isTextual()) {
      delta.set(name, message.get(name));
    }
  }

  private void text(JsonNode choice, String name, JsonNode text) {
    for (String piece : pieces(text.asText(""))) {
      add(choice, Json.object().put(name, piece));
    }
  }

  /** A call: all of it in the first fragment, but the rest of long arguments. */
  private void call(JsonNode choice, int index, JsonNode call) {
    ObjectNode first = Json.object().put("index", index);
    first.setAll((ObjectNode) call.deepCopy());
    List<String> arguments = pieces(call.path("function").path("arguments").asText(""));
    if (first.get("function") instanceof ObjectNode function && !arguments.isEmpty()) {
      function.put("arguments", arguments.getFirst());
    }
    add(choice, calls(first));
    for (int i = 1; i < arguments.size(); i++) {
      ObjectNode next = Json.object().put("index", index);
      next.putObject("function").put("arguments", arguments.get(i));
      add(choice, calls(next));
    }
  }

  private static ObjectNode calls(ObjectNode fragment) {
    ObjectNode delta = Json.object();
    delta.putArray(CALLS).add(fragment);
    return delta;
  }

  private void finish(JsonNode choice) {
    ObjectNode last = add(choice, Json.object());
    last.set(FINISH, choice.get(FINISH));
    for (Map.Entry<String, JsonNode> field : choice.properties()) {
      if (!OF_CHOICES.contains(field.getKey())) {
        last.set(field.getKey(), field.getValue());
      }
    }
    if (choice.path("index").equals(completion.at("/choices/0/index"))) {
      ((ChatEvent.Delta) events.getLast()).chunk().setAll(lists);
    }
  }

  /** Adds a chunk; returns its choice. */
  private ObjectNode add(JsonNode choice, ObjectNode delta) {
    ObjectNode chunk = Json.object();
    chunk.setAll(head);
    ArrayNode choices = chunk.putArray("choices");
    ObjectNode one = choices.addObject();
    one.set("index", choice.get("index"));
    one.set("delta", delta);
    one.putNull(LOGPROBS).putNull(FINISH);
    events.add(new ChatEvent.Delta(chunk));
    return one;
  }

  /** A text in pieces; none for an empty text. No character is cut. */
  private static List<String> pieces(String text) {
    List<String> pieces = new ArrayList<>();
    int from = 0;
    while (from < text.length()) {
      int to = Math.min(text.length(), from + PIECE);
      if (to < text.length() && Character.isLowSurrogate(text.charAt(to))) {
        to--;
      }
      pieces.add(text.substring(from, to));
      from = to;
    }
    return pieces;
  }
}
