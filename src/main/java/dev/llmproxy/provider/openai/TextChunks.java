package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.JsonText;
import dev.llmproxy.chat.TextFrame;
import java.util.ArrayList;
import java.util.List;

/**
 * The chunks of a provider's stream that are equal to an earlier chunk except for their text, as
 * most are. They are recognised and translated without being parsed. Immutable.
 */
final class TextChunks {
  /** The memory of longer events is counted, so they are parsed. */
  private static final int MOST_CHARACTERS = 32 << 10;

  private final List<String> parts;
  private final TextFrame frame;

  private TextChunks(List<String> parts, TextFrame frame) {
    this.parts = parts;
    this.frame = frame;
  }

  /**
   * The chunks that are like a chunk.
   *
   * @param data the chunk as the provider has sent it
   * @param chunk its translation
   * @return null when the chunk is not of this kind
   */
  static TextChunks like(String data, ObjectNode chunk) {
    List<String> parts = JsonText.around(data, TextFrame.FIELDS);
    // Each name occurs once and, without escapes, is the name that the translation was made from.
    if (parts == null || parts.stream().anyMatch(part -> part.indexOf('\\') >= 0)) {
      return null;
    }
    TextFrame frame = TextFrame.of(chunk);
    return frame == null || frame.texts() != parts.size() - 1 ? null : new TextChunks(parts, frame);
  }

  /** The event of a chunk; null when the chunk is not like the first one, or has no text. */
  ChatEvent.Delta delta(String data) {
    if (data.length() > MOST_CHARACTERS || !data.startsWith(parts.getFirst())) {
      return null;
    }
    List<String> literals = new ArrayList<>(parts.size() - 1);
    int at = parts.getFirst().length();
    for (String part : parts.subList(1, parts.size())) {
      int end = JsonText.end(data, at);
      if (end < 0 || !data.startsWith(part, end)) {
        return null;
      }
      literals.add(data.substring(at, end));
      at = end + part.length();
    }
    int characters = at == data.length() ? JsonText.characters(literals.getFirst()) : 0;
    return characters == 0 ? null : frame.delta(literals, characters);
  }
}
