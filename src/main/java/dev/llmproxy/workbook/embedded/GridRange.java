package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A rectangle of cells: zero-based, starts included, ends excluded.
 *
 * @param endRow {@link #OPEN} when the range extends to the last row
 * @param endColumn {@link #OPEN} when the range extends to the last column
 */
record GridRange(int startRow, int endRow, int startColumn, int endColumn) {
  /** The end of a range that ends where the grid ends. */
  static final int OPEN = Integer.MAX_VALUE;

  /** All cells of a sheet. */
  static final GridRange WHOLE_SHEET = new GridRange(0, OPEN, 0, OPEN);

  GridRange {
    if (startRow < 0 || startColumn < 0 || endRow < startRow || endColumn < startColumn) {
      throw SheetsException.invalid(
          "The range starts at row %d, column %d and must end after that, not at row %s, column %s."
              .formatted(startRow, startColumn, endRow, endColumn));
    }
  }

  /** Reads the API's {@code GridRange}; missing bounds are open. Ignores the sheet's id. */
  static GridRange fromJson(JsonNode json) {
    return new GridRange(
        json.path("startRowIndex").asInt(0),
        json.path("endRowIndex").asInt(OPEN),
        json.path("startColumnIndex").asInt(0),
        json.path("endColumnIndex").asInt(OPEN));
  }

  /** The rectangle with this upper left corner and this size in cells. */
  static GridRange sized(int startRow, int startColumn, int rows, int columns) {
    return new GridRange(startRow, startRow + rows, startColumn, startColumn + columns);
  }

  /** The part inside a grid of the given size; may be empty. */
  GridRange clip(int rows, int columns) {
    return new GridRange(
        Math.min(startRow, rows), Math.min(endRow, rows),
        Math.min(startColumn, columns), Math.min(endColumn, columns));
  }

  boolean startsInside(int rows, int columns) {
    return startRow < rows && startColumn < columns;
  }

  /** Whether the ends are inside a grid of the given size; open ends always are. */
  boolean endsInside(int rows, int columns) {
    return (endRow == OPEN || endRow <= rows) && (endColumn == OPEN || endColumn <= columns);
  }

  /** The number of rows; meaningless when the end is open. */
  int rows() {
    return endRow - startRow;
  }

  /** The number of columns; meaningless when the end is open. */
  int columns() {
    return endColumn - startColumn;
  }

  boolean isSingleCell() {
    return rows() == 1 && columns() == 1;
  }
}
