package dev.llmproxy.guard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatEvent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Chunks of an answer that wait for a check. Joins the pieces of each text of the answer: the
 * content, the thoughts and the arguments of each call, for each choice. One thread uses it.
 */
final class HeldChunks {
  /** The role of arguments. */
  static final String CALL = "tool_call";

  private static final String ASSISTANT = "assistant";
  private static final String REASONING = "reasoning";
  private static final String LOGPROBS = "logprobs";
  private static final String CALLS = "tool_calls";
  private static final String ARGUMENTS = "arguments";

  /** Texts of a delta that are thoughts; providers have one of them. */
  private static final Set<String> THOUGHTS = Set.of("reasoning_content", "reasoning");

  /** Fields that repeat, or seal, the model's thoughts. */
  private static final List<String> OF_THOUGHTS = List.of("reasoning_details", "thinking_blocks");

  private final Deque<Held> chunks = new ArrayDeque<>();
  private boolean thoughtsSeen;
  private boolean thoughtsChanged;
  private boolean answerChanged;

  /**
   * A text of the answer.
   *
   * @param choice the index of its choice
   * @param field the field of the delta
   * @param call the index of the call; -1 when it is not of a call
   * @param server whether it is of a call of a server's tool
   */
  private record Place(int choice, String field, int call, boolean server) {
    String role() {
      return call >= 0 ? CALL : THOUGHTS.contains(field) ? REASONING : ASSISTANT;
    }
  }

  private record Held(ChatEvent event, ObjectNode chunk, Map<Place, String> pieces) {}

  /**
   * Adds a chunk.
   *
   * @param event a delta of the answer or of a server's tool call
   * @return the characters of its texts
   */
  int add(ChatEvent event) {
    ObjectNode chunk =
        event instanceof ChatEvent.Delta delta
            ? delta.chunk()
            : ((ChatEvent.ServerToolDelta) event).chunk();
    Map<Place, String> pieces = pieces(chunk, event instanceof ChatEvent.ServerToolDelta);
    thoughtsSeen |= pieces.keySet().stream().anyMatch(place -> place.role().equals(REASONING));
    removeRepeated(chunk);
    chunks.add(new Held(event, chunk, pieces));
    return pieces.values().stream().mapToInt(String::length).sum();
  }

  /** Whether no chunk that is held has a text. */
  boolean isWithoutText() {
    return chunks.stream().allMatch(held -> held.pieces().isEmpty());
  }

  /** The texts, each joined from its pieces. */
  GuardTexts texts() {
    List<GuardText> texts = new ArrayList<>();
    joined().forEach((place, text) -> texts.add(new GuardText(place.role(), text.toString())));
    return new GuardTexts(texts);
  }

  /** The content of the first choice. */
  String answer() {
    StringBuilder text = joined().get(new Place(0, "content", -1, false));
    return text == null ? "" : text.toString();
  }

  /** The estimated number of tokens. */
  int tokens() {
    int tokens = 0;
    for (Held held : chunks) {
      for (JsonNode choice : held.chunk().path("choices")) {
        tokens += Accumulator.tokens(choice.path("delta"));
      }
    }
    return tokens;
  }

  /**
   * Replaces the texts. The first piece of a changed text becomes the whole new text, and the
   * others become empty.
   *
   * @param texts as many as {@link #texts}, in the same order
   * @return false, without effect, when the arguments of a call would be no JSON any more
   */
  boolean change(GuardTexts texts) {
    Map<Place, String> changed = new HashMap<>();
    Iterator<GuardText> left = texts.list().iterator();
    for (Map.Entry<Place, StringBuilder> text : joined().entrySet()) {
      String now = left.next().text();
      if (!now.contentEquals(text.getValue())) {
        if (text.getKey().call() >= 0 && isJson(text.getValue().toString()) && !isJson(now)) {
          return false;
        }
        changed.put(text.getKey(), now);
      }
    }
    for (Held held : chunks) {
      for (Map.Entry<Place, String> piece : held.pieces().entrySet()) {
        String now = changed.get(piece.getKey());
        if (now != null) {
          changed.put(piece.getKey(), "");
          piece.setValue(now);
          put(held.chunk(), piece.getKey(), now);
        }
      }
    }
    for (Place place : changed.keySet()) {
      thoughtsChanged |= place.role().equals(REASONING);
      answerChanged |= place.role().equals(ASSISTANT);
    }
    chunks.forEach(held -> removeRepeated(held.chunk()));
    return true;
  }

  /**
   * Removes what repeats a changed text in another form, and thoughts of which there is no text to
   * check.
   */
  private void removeRepeated(ObjectNode chunk) {
    for (JsonNode choice : chunk.path("choices")) {
      if (!(choice.path("delta") instanceof ObjectNode delta)) {
        continue;
      }
      if (thoughtsChanged || !thoughtsSeen) {
        delta.remove(OF_THOUGHTS);
      }
      if (answerChanged) {
        // Their places are counted in characters of the text.
        delta.remove("annotations");
      }
    }
  }

  /** Releases the chunks whose texts are followed by as many characters in the same text. */
  List<ChatEvent> release(int window) {
    List<ChatEvent> released = new ArrayList<>();
    Map<Place, Integer> after = new HashMap<>();
    joined().forEach((place, text) -> after.put(place, text.length()));
    while (!chunks.isEmpty()) {
      Map<Place, String> pieces = chunks.getFirst().pieces();
      pieces.forEach((place, piece) -> after.merge(place, -piece.length(), Integer::sum));
      if (pieces.keySet().stream().anyMatch(place -> after.get(place) < window)) {
        break;
      }
      released.add(chunks.removeFirst().event());
    }
    return released;
  }

  private Map<Place, StringBuilder> joined() {
    Map<Place, StringBuilder> joined = new LinkedHashMap<>();
    for (Held held : chunks) {
      held.pieces()
          .forEach((place, piece) ->
              joined.computeIfAbsent(place, key -> new StringBuilder()).append(piece));
    }
    return joined;
  }

  private static Map<Place, String> pieces(ObjectNode chunk, boolean server) {
    Map<Place, String> pieces = new LinkedHashMap<>();
    for (JsonNode choice : chunk.path("choices")) {
      int index = choice.path("index").asInt();
      JsonNode delta = choice.path("delta");
      for (Map.Entry<String, JsonNode> field : delta.properties()) {
        JsonNode value = field.getValue();
        String text = value.isTextual() ? value.textValue() : "";
        if (!field.getKey().equals("role") && !text.isEmpty()) {
          pieces.put(new Place(index, field.getKey(), -1, server), text);
        }
      }
      for (JsonNode call : delta.path(CALLS)) {
        String arguments = call.path("function").path(ARGUMENTS).asText("");
        if (!arguments.isEmpty()) {
          pieces.merge(
              new Place(index, ARGUMENTS, call.path("index").asInt(), server),
              arguments,
              String::concat);
        }
      }
    }
    return pieces;
  }

  private static void put(ObjectNode chunk, Place place, String text) {
    for (JsonNode choice : chunk.path("choices")) {
      if (choice.path("index").asInt() != place.choice()
          || !(choice.path("delta") instanceof ObjectNode delta)) {
        continue;
      }
      if (choice.hasNonNull(LOGPROBS)) {
        // They repeat the text.
        ((ObjectNode) choice).putNull(LOGPROBS);
      }
      if (place.call() < 0) {
        delta.put(place.field(), text);
      }
      String rest = text;
      for (JsonNode call : delta.path(CALLS)) {
        if (call.path("index").asInt() == place.call()
            && call.path("function") instanceof ObjectNode function
            && function.has(ARGUMENTS)) {
          function.put(ARGUMENTS, rest);
          rest = "";
        }
      }
    }
  }

  private static boolean isJson(String text) {
    try {
      return Json.parse(text).isContainerNode();
    } catch (JsonProcessingException e) {
      return false;
    }
  }
}
