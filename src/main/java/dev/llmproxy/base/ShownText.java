package dev.llmproxy.base;

/**
 * Makes text of clients, providers and people safe to show: limits its length and escapes
 * characters that control a terminal or disguise text.
 */
public final class ShownText {
  private static final String MARK = "…";

  private ShownText() {}

  /** The first {@code max} characters (UTF-16) of a text, with an ellipsis when it is longer. */
  public static String cut(String text, int max) {
    return cut(text, max, MARK);
  }

  /** As {@link #cut(String, int)} with another mark. Surrogate pairs are not split. */
  public static String cut(String text, int max, String mark) {
    if (text.length() <= max) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(max - 1)) ? max - 1 : max;
    return text.substring(0, end) + mark;
  }

  /**
   * A text in one line; each {@link #isControl} character becomes its Java escape.
   *
   * @param max the line's length in characters; the last escape is complete, so the line may be a
   *     few characters longer
   */
  public static String oneLine(String text, int max) {
    StringBuilder line = new StringBuilder(Math.min(text.length(), max));
    for (int i = 0; i < text.length() && line.length() < max; i++) {
      char sign = text.charAt(i);
      switch (sign) {
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (isControl(sign)) {
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
   * Whether a character is a control character, a line or paragraph separator, or one that changes
   * the direction of text. The pattern in log4j2.properties has the same characters.
   */
  public static boolean isControl(char sign) {
    return Character.isISOControl(sign)
        || (sign >= '\u2028' && sign <= '\u202e')
        || (sign >= '\u2066' && sign <= '\u2069')
        || sign == '\u200e'
        || sign == '\u200f';
  }

  /**
   * Whether a character is invisible, so that two names can look alike and differ: those of {@link
   * #isControl}, all other format characters, and single surrogates. Not for running text: some
   * languages and emoji need invisible joiners.
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
