package dev.llmproxy.local;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Converts the bytes of tokens to text for the client. Delays incomplete characters, and text that
 * may be the start of a stop text. One per answer; not thread-safe.
 */
final class TextAssembler {
  private static final int LONGEST_CHARACTER = 4; // bytes, in UTF-8

  private final List<String> stops;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private ByteBuffer undecoded = ByteBuffer.allocate(0); // the start of an incomplete character
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  TextAssembler(List<String> stops) {
    this.stops = stops;
  }

  /** Adds the bytes of the next token; returns the text that is now certain, possibly empty. */
  String append(byte[] bytes) {
    held.append(decode(bytes));
    int stop = firstStop();
    if (stop >= 0) {
      stopped = true;
      held.setLength(stop);
      return rest();
    }
    int certain = held.length() - undecided();
    String text = held.substring(0, certain);
    held.delete(0, certain);
    return text;
  }

  /** Whether a stop text was found; the text before it has been returned. */
  boolean stopped() {
    return stopped;
  }

  /** Returns the delayed text after the last token. Drops an incomplete character. */
  String rest() {
    String text = held.toString();
    held.setLength(0);
    return text;
  }

  private CharBuffer decode(byte[] bytes) {
    ByteBuffer input = ByteBuffer.allocate(undecoded.remaining() + bytes.length);
    input.put(undecoded).put(bytes).flip();
    CharBuffer output = CharBuffer.allocate(input.remaining() + LONGEST_CHARACTER);
    decoder.decode(input, output, false);
    undecoded = input;
    return output.flip();
  }

  private int firstStop() {
    return stops.stream().mapToInt(held::indexOf).filter(at -> at >= 0).min().orElse(-1);
  }

  /** The length of the longest suffix of the delayed text with which a stop text begins. */
  private int undecided() {
    for (int start = 0; start < held.length(); start++) {
      String end = held.substring(start);
      if (stops.stream().anyMatch(stop -> stop.startsWith(end))) {
        return end.length();
      }
    }
    return 0;
  }
}
