package dev.llmproxy.workbook;

import java.math.BigDecimal;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A count in a cell, which a person may have typed or pasted as text. */
final class SheetCount {
  // Thousands separated by one repeated character, as in 12,345 or 1 234 567 or 12'345, and
  // India's 1,23,456.
  private static final Pattern GROUPED =
      Pattern.compile("(\\d{1,3}(?:([ ,.'’])\\d{2,3})?(?:\\2\\d{2,3})*)(?<=\\d{3})(?:[.,]0+)?");

  private SheetCount() {}

  /** The count; 0 for an empty cell; empty when the cell has no count. */
  static OptionalLong of(Object cell) {
    if (cell instanceof Number number) {
      return OptionalLong.of(new BigDecimal(number.toString()).longValue());
    }
    String text = cell == null ? "" : SheetText.clean(cell.toString());
    if (text.isEmpty()) {
      return OptionalLong.of(0);
    }
    Matcher grouped = GROUPED.matcher(text);
    // Counts are whole numbers, so the text 1.234 means one thousand two hundred and thirty-four.
    String plain =
        grouped.matches() && grouped.group(2) != null
            ? grouped.group(1).replace(grouped.group(2), "")
            : text;
    try {
      return OptionalLong.of(new BigDecimal(plain).longValue());
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }
}
