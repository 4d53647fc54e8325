package dev.llmproxy.base;

/** Cells of CSV files that people open with a spreadsheet program. */
public final class CsvCell {
  private static final String FORMULA_STARTS = "=+-@\t\r\n";

  private CsvCell() {}

  /**
   * The text, with a {@code '} before it if a spreadsheet program would take it for a formula (<a
   * href="https://owasp.org/www-community/attacks/CSV_Injection">OWASP</a>).
   */
  public static String harmless(String text) {
    return !text.isEmpty() && FORMULA_STARTS.indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
  }
}
