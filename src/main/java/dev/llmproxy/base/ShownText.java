package dev.llmproxy.base;

/**
 * How words of clients, providers and people are shown to others: not at any length, and without
 * what steers a terminal or makes text look like another.
 */
public final class ShownText {
  private static final String MARK = "…";

  private ShownText() {}

  /** At most so many characters (UTF-16) of a text, and an ellipsis when that is not all of it. */
  public static String cut(String text, int most) {
    return cut(text, most, MARK);
  }

  /** As {@link #cut(String, int)} with a mark of one's own. No character is cut in two. */
  public static String cut(String text, int most, String mark) {
    if (text.length() <= most) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end) + mark;
  }

  /**
   * A text in one line, with the escape of Java for each character that {@link #steers}.
   *
   * @param most characters of the line; an escape is whole, so that it may be a few longer
   */
  public static String oneLine(String text, int most) {
    StringBuilder line = new StringBuilder(Math.min(text.length(), most));
    for (int i = 0; i < text.length() && line.length() < most; i++) {
      char sign = text.charAt(i);
      switch (sign) {
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (steers(sign)) {
            line.append(escape(sign));
          } else {
            line.append(sign);
          }
        }
      }
    }
    return line.toString();
  }

  /** The escape of Java and JSON: a backslash, u and four hexadecimal digits. */
  public static String escape(char sign) {
    return "\\u%04x".formatted((int) sign);
  }

  /**
   * Whether a character does something where it is shown: control characters, separators of lines
   * and paragraphs, and those that change the direction of text. The pattern in log4j2.properties
   * has the same.
   */
  public static boolean steers(char sign) {
    return Character.isISOControl(sign)
        || (sign >= '\u2028' && sign <= '\u202e')
        || (sign >= '\u2066' && sign <= '\u2069')
        || sign == '\u200e'
        || sign == '\u200f';
  }

  /**
   * Whether nobody sees a character, so that two names which look alike can differ by it: what
   * {@link #steers}, all other format characters, and halves of surrogate pairs. Not for text: the
   * signs of some languages and emoji are joined by such characters.
   */
  public static boolean invisible(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      default -> false;
    };
  }
}
