package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One sheet, as read from the database. {@link SheetTable} makes changes.
 *
 * @param key the sheet's number in the database
 * @param properties the API's {@code SheetProperties}; do not change this object
 */
record Sheet(long key, ObjectNode properties) {
  int sheetId() {
    return properties.path("sheetId").asInt();
  }

  String title() {
    return properties.path("title").asText();
  }

  /** The sheet's place among the sheets, from 0. */
  int index() {
    return properties.path("index").asInt();
  }

  boolean hidden() {
    return properties.path("hidden").asBoolean();
  }

  int rowCount() {
    return properties.path("gridProperties").path("rowCount").asInt();
  }

  int columnCount() {
    return properties.path("gridProperties").path("columnCount").asInt();
  }

  int frozen(Dimension dimension) {
    return properties.path("gridProperties").path(dimension.frozenField()).asInt();
  }

  int count(Dimension dimension) {
    return dimension == Dimension.ROWS ? rowCount() : columnCount();
  }

  /** The part of a range that is on the grid. */
  GridRange clip(GridRange range) {
    return range.clip(rowCount(), columnCount());
  }

  /** The error for a range outside the grid. */
  SheetsException exceedsGrid(GridRange range) {
    int lastRow = range.endRow() == GridRange.OPEN ? rowCount() : range.endRow();
    int lastColumn = range.endColumn() == GridRange.OPEN ? columnCount() : range.endColumn();
    GridRange closed =
        new GridRange(
            range.startRow(), Math.max(lastRow, range.startRow() + 1),
            range.startColumn(), Math.max(lastColumn, range.startColumn() + 1));
    return SheetsException.invalid(
        "Range (%s) exceeds grid limits. Max rows: %d, max columns: %d"
            .formatted(A1Range.format(title(), closed), rowCount(), columnCount()));
  }
}
