package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Sha256;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Replaces embedded images, sounds and files in the texts of a conversation by short notes: all
 * data: URLs and base64 texts of more than 4 KB.
 */
final class BlobNotes {
  /** The most characters of a blob that is not replaced. */
  static final int SMALL = 4096;

  /**
   * Base64 with line breaks has lines of 64 or 76 characters; lists of words have shorter lines.
   */
  private static final int SHORTEST_LINE = 60;

  // Possessive quantifiers, so that a long text causes no backtracking and no deep recursion.
  private static final Pattern DATA_URL =
      Pattern.compile("data:([\\w.+-]{0,100}+/[\\w.+-]{1,100}+)?((?:;[\\w=.+-]{1,200}+){0,8}+),");
  private static final String BASE64_PARAMETER = ";base64";

  private BlobNotes() {}

  /** Returns the value without blobs; does not change its argument. */
  static JsonNode shorten(JsonNode value) {
    return switch (value) {
      case ObjectNode object -> {
        ObjectNode copy = Json.object();
        object.properties().forEach(field -> copy.set(field.getKey(), shorten(field.getValue())));
        yield copy;
      }
      case ArrayNode array -> {
        ArrayNode copy = Json.array();
        array.forEach(element -> copy.add(shorten(element)));
        yield copy;
      }
      case TextNode text when text.textValue().length() > SMALL ->
          TextNode.valueOf(shorten(text.textValue()));
      default -> value;
    };
  }

  /** Returns the text without blobs. */
  static String shorten(String text) {
    StringBuilder shortened = new StringBuilder();
    Matcher url = DATA_URL.matcher(text);
    int done = 0;
    while (url.find(done)) {
      int begin = url.end();
      boolean base64 = url.group(2).endsWith(BASE64_PARAMETER);
      int end = base64 ? endOfBase64(text, begin) : endOfUrl(text, begin);
      withoutBase64(text, done, url.start(), shortened);
      if (end - url.start() > SMALL) {
        String type = url.group(1) == null ? "text/plain" : url.group(1);
        shortened.append(note(type, text.substring(begin, end), base64));
      } else {
        shortened.append(text, url.start(), end);
      }
      done = end;
    }
    withoutBase64(text, done, text.length(), shortened);
    return shortened.toString();
  }

  private static void withoutBase64(String text, int from, int to, StringBuilder shortened) {
    int at = from;
    while (at < to) {
      int end = Math.min(to, endOfBase64(text, at));
      if (end - at > SMALL) {
        shortened.append(note("base64", text.substring(at, end), true));
      } else {
        end = Math.max(end, at + 1);
        shortened.append(text, at, end);
      }
      at = end;
    }
  }

  /** The end of the base64 text that begins at {@code from}; it may have line breaks. */
  private static int endOfBase64(String text, int from) {
    int at = from;
    int line = from;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (isBase64(c)) {
        at++;
      } else if ((c == '\n' || c == '\r') && at - line >= SHORTEST_LINE) {
        at += text.startsWith("\r\n", at) ? 2 : 1;
        line = at;
      } else {
        break;
      }
    }
    while (at > from && at < text.length() && text.charAt(at) == '=') {
      at++;
    }
    return at;
  }

  private static boolean isBase64(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '+'
        || c == '/'
        || c == '-'
        || c == '_';
  }

  private static int endOfUrl(String text, int from) {
    int at = from;
    while (at < text.length() && " \t\r\n\"'<>)".indexOf(text.charAt(at)) < 0) {
      at++;
    }
    return at;
  }

  private static String note(String type, String content, boolean base64) {
    byte[] bytes = content.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    if (base64) {
      try {
        bytes = Base64.getMimeDecoder().decode(content.replace('-', '+').replace('_', '/'));
      } catch (IllegalArgumentException e) {
        // Truncated, or not base64: the note counts the characters of the text itself.
      }
    }
    return "[%s of %d bytes, not kept; sha256 %s]".formatted(type, bytes.length, Sha256.hex(bytes));
  }
}
