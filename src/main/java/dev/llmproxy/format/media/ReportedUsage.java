package dev.llmproxy.format.media;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.provider.TurnUsage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Finds the tokens that a provider reports in an answer that passes through. It keeps at most a few
 * kilobytes of the answer.
 */
final class ReportedUsage {
  private static final String USAGE = "usage";
  private static final byte[] MARK = "\"usage\":".getBytes(StandardCharsets.US_ASCII);

  /** The end of a line that is kept. The usage follows pictures and sounds. */
  private static final int KEPT_BYTES = 8 << 10;

  private static final List<String> DETAILS =
      List.of("input_token_details", "input_tokens_details");

  private final byte[] line = new byte[2 * KEPT_BYTES];
  private int length;
  private JsonNode found;

  /**
   * Reads an answer in JSON to its end, if it is JSON; otherwise up to where it is none.
   *
   * @param answer passes on what is read from it
   */
  void read(InputStream answer) throws IOException {
    try (JsonParser parser = Json.parser(new Unclosed(answer))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return;
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean usage = parser.currentName().equals(USAGE);
        if (parser.nextToken() == JsonToken.START_OBJECT && usage) {
          found = Json.tree(parser);
        } else {
          parser.skipChildren();
        }
      }
    } catch (JsonProcessingException e) {
      // The client gets what the provider sends, whatever it is.
    }
  }

  /** Takes the next bytes of a stream of events. */
  void add(byte[] bytes, int count) {
    int from = 0;
    for (int i = 0; i < count; i++) {
      if (bytes[i] == '\n') {
        keep(bytes, from, i);
        endLine();
        from = i + 1;
      }
    }
    keep(bytes, from, count);
  }

  private void keep(byte[] bytes, int from, int to) {
    int start = Math.max(from, to - line.length);
    int more = to - start;
    int drop = Math.max(0, length + more - line.length);
    System.arraycopy(line, drop, line, 0, Math.max(0, length - drop));
    length = Math.max(0, length - drop);
    System.arraycopy(bytes, start, line, length, more);
    length += more;
  }

  private void endLine() {
    for (int at = length - MARK.length; at > 0; at--) {
      // A quotation mark inside a text has a backslash before it.
      if (line[at - 1] != '\\' && startsWith(at)) {
        value(at + MARK.length);
        break;
      }
    }
    length = 0;
  }

  private boolean startsWith(int at) {
    for (int i = 0; i < MARK.length; i++) {
      if (line[at + i] != MARK[i]) {
        return false;
      }
    }
    return true;
  }

  private void value(int at) {
    try (JsonParser parser = Json.parser(new ByteArrayInputStream(line, at, length - at))) {
      if (parser.nextToken() == JsonToken.START_OBJECT) {
        found = Json.tree(parser);
      }
    } catch (IOException e) {
      // It is no usage.
    }
  }

  /** OpenAI's usage object; null when the provider has reported no tokens. */
  ObjectNode tokens() {
    if (!(found instanceof ObjectNode reported)) {
      return null;
    }
    TurnUsage usage = new TurnUsage();
    ObjectNode named = reported.deepCopy();
    DETAILS.forEach(name -> {
      JsonNode details = named.remove(name);
      if (details != null) {
        named.set("prompt_tokens_details", details);
      }
    });
    usage.take(named);
    ObjectNode counted = usage.soFar();
    long total = counted.path("total_tokens").asLong();
    if (total == 0) {
      return null;
    }
    boolean onlyTotal =
        counted.path("prompt_tokens").asLong() + counted.path("completion_tokens").asLong() == 0;
    return onlyTotal ? usage.ofPrompt(total) : counted;
  }

  /** Leaves the answer open when the parser is closed. */
  private static final class Unclosed extends java.io.FilterInputStream {
    Unclosed(InputStream in) {
      super(in);
    }

    @Override
    public void close() {
      // The answer belongs to the call.
    }
  }
}
