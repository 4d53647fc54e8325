package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;

/**
 * Reads a truncated JSON document as far as possible. Jackson reports the position of the end, but
 * not the unfinished string there.
 */
final class CutJson {
  private static final int UNICODE_ESCAPE_CHARACTERS = 6;

  private CutJson() {}

  /**
   * Closes the open strings, objects and arrays at the end of the text and parses it; if that
   * fails, drops the last, unfinished member.
   *
   * @param text the start of a JSON object or array
   * @return null when the text is not JSON in either form
   */
  static JsonNode read(String text) {
    StringBuilder closers = new StringBuilder();
    boolean inString = false;
    int escape = -1;
    int whole = 0;
    String wholeClosers = "";
    for (int i = 0; i < text.length(); i++) {
      char sign = text.charAt(i);
      if (inString) {
        if (escape >= 0) {
          boolean unicode = text.charAt(escape + 1) == 'u';
          escape = unicode && i - escape + 1 < UNICODE_ESCAPE_CHARACTERS ? escape : -1;
        } else if (sign == '\\') {
          escape = i;
        } else if (sign == '"') {
          inString = false;
        }
        continue;
      }
      switch (sign) {
        case '"' -> inString = true;
        case '{', '[' -> closers.insert(0, sign == '{' ? '}' : ']');
        case '}', ']' -> {
          if (closers.isEmpty()) {
            return null;
          }
          closers.deleteCharAt(0);
        }
        default -> {
          if (sign != ',') {
            continue;
          }
        }
      }
      if (!inString) {
        whole = sign == ',' ? i : i + 1;
        wholeClosers = closers.toString();
      }
    }
    String end = text.substring(0, escape >= 0 ? escape : text.length());
    JsonNode closed = parse(end + (inString ? "\"" : "") + closers);
    return closed != null ? closed : parse(text.substring(0, whole) + wholeClosers);
  }

  private static JsonNode parse(String text) {
    try {
      return Json.parse(text);
    } catch (JsonProcessingException e) {
      return null;
    }
  }
}
