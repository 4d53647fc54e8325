package dev.llmproxy.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The JSON around the text of chunks that are equal except for their text. Most chunks of a stream
 * are of this kind, so they need no tree. Immutable.
 */
public final class TextFrame {
  /** The fields whose texts differ. OpenAI pads its chunks with the second one. */
  public static final List<String> FIELDS = List.of("content", "obfuscation");

  private static final Set<String> OF_DELTA = Set.of("role", "content");

  private final List<String> parts;
  private final List<byte[]> bytes;
  private final int index;

  private TextFrame(List<String> parts, int index) {
    this.parts = parts;
    this.bytes = parts.stream().map(part -> part.getBytes(StandardCharsets.UTF_8)).toList();
    this.index = index;
  }

  /**
   * The frame of a chunk with one choice, whose delta has a text and nothing else.
   *
   * @param chunk as in {@link ChatEvent.Delta}
   * @return null when the chunk is of another kind
   */
  public static TextFrame of(ObjectNode chunk) {
    JsonNode choice = chunk.path("choices").path(0);
    JsonNode delta = choice.path("delta");
    boolean plain =
        chunk.path("choices").size() == 1
            && delta.path("content").isTextual()
            && delta.properties().stream().allMatch(field -> OF_DELTA.contains(field.getKey()))
            && choice.path("finish_reason").isNull()
            && choice.path("logprobs").isEmpty();
    if (!plain) {
      return null;
    }
    List<String> parts = JsonText.around(Json.text(chunk), FIELDS);
    return parts == null ? null : new TextFrame(parts, choice.path("index").asInt());
  }

  /** The number of texts that the frame has room for. */
  public int texts() {
    return parts.size() - 1;
  }

  /**
   * The event of a chunk.
   *
   * @param literals the texts of {@link #FIELDS}, as in JSON and without quotes; as many as {@link
   *     #texts}
   * @param characters length of the first text, in UTF-16 units; at least 1
   */
  public ChatEvent.Delta delta(List<String> literals, int characters) {
    return new ChatEvent.Delta(this, literals, characters);
  }

  int index() {
    return index;
  }

  byte[] json(List<String> literals) {
    List<byte[]> texts = new ArrayList<>(literals.size());
    int length = bytes.getLast().length;
    for (int i = 0; i < literals.size(); i++) {
      byte[] text = literals.get(i).getBytes(StandardCharsets.UTF_8);
      texts.add(text);
      length += bytes.get(i).length + text.length;
    }
    byte[] json = new byte[length];
    int at = 0;
    for (int i = 0; i < bytes.size(); i++) {
      at = copy(bytes.get(i), json, at);
      if (i < texts.size()) {
        at = copy(texts.get(i), json, at);
      }
    }
    return json;
  }

  private static int copy(byte[] from, byte[] to, int at) {
    System.arraycopy(from, 0, to, at, from.length);
    return at + from.length;
  }

  ObjectNode chunk(List<String> literals) {
    StringBuilder json = new StringBuilder(parts.getFirst());
    for (int i = 0; i < literals.size(); i++) {
      json.append(literals.get(i)).append(parts.get(i + 1));
    }
    try {
      return (ObjectNode) Json.parse(json.toString());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A frame and its texts are no JSON", e);
    }
  }
}
