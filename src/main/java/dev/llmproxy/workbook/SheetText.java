package dev.llmproxy.workbook;

import java.text.Normalizer;
import java.util.Locale;
import java.util.regex.Pattern;

/** Normalises the text that people type or paste into cells, for comparisons. */
public final class SheetText {
  // Zero-width characters, byte-order marks and soft hyphens are invisible in a cell.
  private static final Pattern INVISIBLE = Pattern.compile("\\p{Cf}");
  private static final Pattern WHITE = Pattern.compile("[\\s\\p{Z}\\x{85}]+");
  private static final Pattern APART = Pattern.compile("[^\\p{L}\\p{N}]");

  private SheetText() {}

  /**
   * The text without invisible characters, with one space for each run of white space (line breaks,
   * no-break spaces, several spaces), and trimmed.
   */
  public static String clean(String text) {
    boolean plain = true;
    for (int i = 0; i < text.length(); i++) {
      char sign = text.charAt(i);
      plain &= sign > ' ' && sign < 127;
    }
    return plain
        ? text
        : WHITE.matcher(INVISIBLE.matcher(text).replaceAll("")).replaceAll(" ").strip();
  }

  /** The form in which equal headers compare equal: only letters and digits, in lower case. */
  static String header(Object cell) {
    String text = Normalizer.normalize(String.valueOf(cell), Normalizer.Form.NFKC);
    return APART.matcher(text).replaceAll("").toLowerCase(Locale.ROOT);
  }
}
