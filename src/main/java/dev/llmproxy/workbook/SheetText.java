package dev.llmproxy.workbook;

import java.text.Normalizer;
import java.util.Locale;
import java.util.regex.Pattern;

/** How what people type or paste into cells is compared. */
public final class SheetText {
  // Zero-width signs, byte-order marks, soft hyphens: nobody sees them in a cell.
  private static final Pattern INVISIBLE = Pattern.compile("\\p{Cf}");
  private static final Pattern WHITE = Pattern.compile("[\\s\\p{Z}\\x{85}]+");
  private static final Pattern APART = Pattern.compile("[^\\p{L}\\p{N}]");

  private SheetText() {}

  /**
   * The text without signs that nobody sees, and with one space for white space of any kind (line
   * breaks, no-break spaces, several), none at the ends.
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

  /**
   * The form in which headers that read the same are equal: their letters and digits alone, in
   * lower case.
   */
  static String header(Object cell) {
    String text = Normalizer.normalize(String.valueOf(cell), Normalizer.Form.NFKC);
    return APART.matcher(text).replaceAll("").toLowerCase(Locale.ROOT);
  }
}
