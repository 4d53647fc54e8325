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
 * Replaces images, sounds and files that a conversation carries in its texts by a short note: data:
 * URLs and base64 of more than 4 KB, wherever they stand.
 */
final class BlobNotes {
  /** Characters of a blob that stays. */
  static final int SMALL = 4096;

  /** Base64 in lines has lines of 64 or 76 characters; words one under the other are shorter. */
  private static final int SHORTEST_LINE = 60;

  // Possessive, so that a long text is neither gone over twice nor recursed into.
  private static final Pattern DATA_URL =
      Pattern.compile("data:([\\w.+-]{0,100}+/[\\w.+-]{1,100}+)?((?:;[\\w=.+-]{1,200}+){0,8}+),");
  private static final String BASE64_PARAMETER = ";base64";

  private BlobNotes() {}

  /** The same value without blobs; what is given is not changed. */
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

  /** The same text without blobs. */
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

  /** Where base64 that begins here ends; it may be broken into lines. */
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
        // Not whole, or none after all: it is noted as the text that it is.
      }
    }
    return "[%s of %d bytes, not kept; sha256 %s]".formatted(type, bytes.length, Sha256.hex(bytes));
  }
}
