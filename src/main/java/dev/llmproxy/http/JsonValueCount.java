package dev.llmproxy.http;

/**
 * Counts the values in a JSON text while it arrives. Each value is an object in memory, which costs
 * many times the two bytes of {@code {}}. The count is exact up to the first syntax error, where
 * the parser stops too.
 */
final class JsonValueCount {
  private boolean begun;
  private boolean wide;
  private boolean inString;
  private boolean escaped;
  private int values;

  /** Counts the values in the next part of the text and returns the number so far. */
  int add(byte[] part) {
    if (!begun && part.length > 0) {
      begun = true;
      values = 1;
      // In UTF-16 and UTF-32 parts of characters look like quotes, so characters in strings count
      // too.
      wide = part[0] <= 0 || (part.length > 1 && part[1] == 0);
    }
    boolean string = inString;
    boolean escape = escaped;
    int count = values;
    for (byte next : part) {
      if (string) {
        if (escape) {
          escape = false;
        } else if (next == '\\') {
          escape = true;
        } else if (next == '"') {
          string = false;
        }
      } else if (next == ',' || next == '[' || next == '{') {
        count++;
      } else if (next == '"' && !wide) {
        string = true;
      }
    }
    inString = string;
    escaped = escape;
    values = count;
    return count;
  }
}
