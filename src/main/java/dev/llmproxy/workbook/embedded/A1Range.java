package dev.llmproxy.workbook.embedded;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A range in A1 notation: {@code Sheet1!A1:J}, {@code 'it''s'!A:A}, {@code Sheet1}, {@code B2:C3}.
 *
 * @param sheetTitle the sheet's title without quotes; null when the text names none
 * @param cells the rectangle on that sheet
 */
record A1Range(String sheetTitle, GridRange cells) {
  private static final Pattern CORNER =
      Pattern.compile("\\$?(?<column>[A-Za-z]{1,3})?\\$?(?<row>[1-9][0-9]{0,8})?");
  private static final Pattern QUOTED_TITLE =
      Pattern.compile("'(?<title>(?:[^']++|'')++)'(?:!(?<cells>.*))?", Pattern.DOTALL);
  private static final Pattern PLAIN_TITLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  /**
   * Parses a range. A single word that can be a cell ({@code AB12}) is read as a cell; any other
   * word is read as a title.
   *
   * @throws SheetsException "Unable to parse range: …"
   */
  static A1Range parse(String text) {
    Matcher quoted = QUOTED_TITLE.matcher(text);
    if (quoted.matches()) {
      String title = quoted.group("title").replace("''", "'");
      String cells = quoted.group("cells");
      return new A1Range(title, cells == null ? GridRange.WHOLE_SHEET : cells(cells, text));
    }
    int bang = text.lastIndexOf('!');
    if (bang > 0) {
      return new A1Range(text.substring(0, bang), cells(text.substring(bang + 1), text));
    }
    if (text.isEmpty() || bang == 0) {
      throw unparsable(text);
    }
    GridRange cells = cellsOrNull(text);
    return cells == null ? new A1Range(text, GridRange.WHOLE_SHEET) : new A1Range(null, cells);
  }

  /** Formats a closed, non-empty range. Like Google, quotes the title only where needed. */
  static String format(String sheetTitle, GridRange cells) {
    String first = columnName(cells.startColumn()) + (cells.startRow() + 1);
    String last = columnName(cells.endColumn() - 1) + cells.endRow();
    return quote(sheetTitle) + "!" + (cells.isSingleCell() ? first : first + ":" + last);
  }

  /** The letters of a column: A for 0, AA for 26. */
  static String columnName(int column) {
    StringBuilder letters = new StringBuilder();
    for (int rest = column; rest >= 0; rest = rest / 26 - 1) {
      letters.insert(0, (char) ('A' + rest % 26));
    }
    return letters.toString();
  }

  /** Whether a text is a range of cells without a sheet, such as {@code B2} or {@code A:C}. */
  static boolean isCells(String text) {
    return cellsOrNull(text) != null;
  }

  static SheetsException unparsable(String text) {
    return SheetsException.invalid("Unable to parse range: " + text);
  }

  private static String quote(String title) {
    boolean plain = PLAIN_TITLE.matcher(title).matches() && cellsOrNull(title) == null;
    return plain ? title : "'" + title.replace("'", "''") + "'";
  }

  private static GridRange cells(String cells, String wholeText) {
    GridRange range = cellsOrNull(cells);
    if (range == null) {
      throw unparsable(wholeText);
    }
    return range;
  }

  /**
   * Parses {@code A1}, {@code A1:B2}, {@code A1:B}, {@code A3:3}, {@code A:B} or {@code 1:2};
   * returns null for any other text.
   */
  private static GridRange cellsOrNull(String text) {
    int colon = text.indexOf(':');
    Corner first = Corner.parse(colon < 0 ? text : text.substring(0, colon));
    Corner last = colon < 0 ? first : Corner.parse(text.substring(colon + 1));
    if (first == null || last == null) {
      return null;
    }
    boolean columns = first.hasColumn() && last.hasColumn();
    boolean rows = first.hasRow() && last.hasRow();
    boolean readable = colon < 0 ? columns && rows : columns || rows;
    return readable ? between(first, last, rows, columns) : null;
  }

  /**
   * The range between two corners. If only one corner has a row, the range starts at that row and
   * has no end; the same applies to columns.
   */
  private static GridRange between(Corner one, Corner other, boolean rows, boolean columns) {
    int lastRow = Math.max(one.row, other.row);
    int lastColumn = Math.max(one.column, other.column);
    return new GridRange(
        rows ? Math.min(one.row, other.row) : Math.max(0, lastRow),
        rows ? lastRow + 1 : GridRange.OPEN,
        columns ? Math.min(one.column, other.column) : Math.max(0, lastColumn),
        columns ? lastColumn + 1 : GridRange.OPEN);
  }

  /** One corner of a range; -1 for a missing row or column. */
  private record Corner(int row, int column) {
    static Corner parse(String text) {
      Matcher matcher = CORNER.matcher(text);
      if (text.isEmpty() || !matcher.matches()) {
        return null;
      }
      String row = matcher.group("row");
      String column = matcher.group("column");
      return new Corner(
          row == null ? -1 : Integer.parseInt(row) - 1, column == null ? -1 : columnIndex(column));
    }

    private static int columnIndex(String letters) {
      int index = 0;
      for (char letter : letters.toUpperCase(Locale.ROOT).toCharArray()) {
        index = index * 26 + (letter - 'A' + 1);
      }
      return index - 1;
    }

    boolean hasRow() {
      return row >= 0;
    }

    boolean hasColumn() {
      return column >= 0;
    }
  }
}
