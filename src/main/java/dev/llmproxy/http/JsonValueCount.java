package dev.llmproxy.http;

/**
 * Counts the values in a JSON text while it comes in: each is an object in memory, which costs many
 * times the two bytes of {@code {}}. Up to the first mistake in the text it counts as a parser
 * does; after it nothing is parsed.
 */
final class JsonValueCount {
  private boolean begun;
  private boolean wide;
  private boolean inString;
  private boolean escaped;
  private int values;

  /** Counts what is in the next part of the text; returns how many values there are so far. */
  int add(byte[] part) {
    if (!begun && part.length > 0) {
      begun = true;
      values = 1;
      // UTF-16 and UTF-32: bytes of their characters look like quotes, so what is in strings counts
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
