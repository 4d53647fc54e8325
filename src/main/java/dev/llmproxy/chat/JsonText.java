package dev.llmproxy.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.llmproxy.base.Json;
import java.util.ArrayList;
import java.util.List;

/** Finds texts in JSON without parsing it. */
public final class JsonText {
  private JsonText() {}

  /**
   * Splits JSON around the texts of fields.
   *
   * @param fields names of fields, in the order in which they occur; a field that does not occur is
   *     left out
   * @return the parts before, between and after the texts, with the quotes; null when the first
   *     field does not occur, or a field occurs more than once, has no text, or is out of order
   */
  public static List<String> around(String json, List<String> fields) {
    List<String> parts = new ArrayList<>();
    int from = 0;
    for (String field : fields) {
      String key = '"' + field + '"';
      int at = json.indexOf(key);
      if (at < 0 && !parts.isEmpty()) {
        continue;
      }
      if (at < from || json.indexOf(key, at + 1) >= 0) {
        return null;
      }
      int begin = begin(json, at + key.length());
      int end = begin < 0 ? -1 : end(json, begin);
      if (end < 0) {
        return null;
      }
      parts.add(json.substring(from, begin));
      from = end;
    }
    parts.add(json.substring(from));
    return parts;
  }

  /** The position after the quote of the text that follows a key; -1 when no text follows. */
  private static int begin(String json, int at) {
    int i = at;
    boolean colon = false;
    for (; i < json.length(); i++) {
      char c = json.charAt(i);
      if (c == '"') {
        return colon ? i + 1 : -1;
      }
      if (c == ':' && !colon) {
        colon = true;
      } else if (c != ' ') {
        return -1;
      }
    }
    return -1;
  }

  /**
   * The position of the quote that ends a text.
   *
   * @param from position of the text's first character
   * @return -1 when the text does not end or is not valid JSON
   */
  public static int end(String json, int from) {
    for (int i = from; i < json.length(); i++) {
      char c = json.charAt(i);
      if (c == '"') {
        return i;
      }
      if (c < ' ') {
        return -1;
      }
      if (c == '\\') {
        int length = escape(json, i);
        if (length < 0) {
          return -1;
        }
        i += length - 1;
      }
    }
    return -1;
  }

  /** The length of the escape sequence at a position; -1 when it is not valid. */
  private static int escape(String json, int at) {
    if (at + 1 >= json.length()) {
      return -1;
    }
    return switch (json.charAt(at + 1)) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> 2;
      case 'u' -> hex(json, at + 2) ? 6 : -1;
      default -> -1;
    };
  }

  /** Whether a code of four digits follows. Halves of surrogate pairs are not accepted. */
  private static boolean hex(String json, int at) {
    if (at + 4 > json.length()) {
      return false;
    }
    int code = 0;
    for (int i = at; i < at + 4; i++) {
      char c = json.charAt(i);
      int digit = c > 'f' ? -1 : Character.digit(c, 16);
      if (digit < 0) {
        return false;
      }
      code = code * 16 + digit;
    }
    return !Character.isSurrogate((char) code);
  }

  /** The number of characters of a valid text. */
  public static int characters(String literal) {
    int count = literal.length();
    for (int i = literal.indexOf('\\'); i >= 0; ) {
      int length = escape(literal, i);
      count -= length - 1;
      i = literal.indexOf('\\', i + length);
    }
    return count;
  }

  /** The characters of a valid text. */
  public static String decoded(String literal) {
    if (literal.indexOf('\\') < 0) {
      return literal;
    }
    try {
      return Json.parse('"' + literal + '"').textValue();
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
