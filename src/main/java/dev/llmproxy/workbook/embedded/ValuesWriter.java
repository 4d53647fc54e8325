package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;

/** Writes the values of a {@code ValueRange} into cells, and clears them. */
final class ValuesWriter {
  private final OpenSpreadsheet spreadsheet;

  ValuesWriter(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  /**
   * The result of a write.
   *
   * @param cells the number of cells written, not counting cells skipped by null values
   */
  record Written(Sheet sheet, GridRange range, int cells) {
    boolean isEmpty() {
      return range.rows() == 0 || range.columns() == 0;
    }

    Place place() {
      return new Place(sheet, range);
    }
  }

  /**
   * Writes values, starting at the upper left corner of a range.
   *
   * @param values rows of values; rows may have different lengths
   * @throws SheetsException when the values do not fit into the range or the grid; a range of a
   *     single cell is only a start position
   */
  Written write(Place place, JsonNode values, ValueInput input) {
    int width = width(values);
    GridRange asked = place.asked();
    GridRange range = GridRange.sized(asked.startRow(), asked.startColumn(), values.size(), width);
    Sheet sheet = place.sheet();
    if (!asked.endsInside(sheet.rowCount(), sheet.columnCount())) {
      throw sheet.exceedsGrid(asked);
    }
    if (!asked.isSingleCell()) {
      requireInside(place, range);
    }
    if (!range.endsInside(sheet.rowCount(), sheet.columnCount())) {
      throw sheet.exceedsGrid(range);
    }
    int cells = 0;
    for (int i = 0; i < values.size(); i++) {
      cells += writeRow(sheet, range.startRow() + i, range.startColumn(), values.get(i), input);
    }
    return new Written(sheet, range, cells);
  }

  /** Clears the values of a range; formats and notes stay. */
  void clear(Place place) {
    GridRange range = place.clipped();
    spreadsheet
        .rows()
        .replaceAll(
            place.sheet(),
            range.startRow(),
            range.endRow(),
            cells -> {
              int end = Math.min(range.endColumn(), cells.size());
              for (int column = range.startColumn(); column < end; column++) {
                cells.set(column, Cell.withValue(cells.get(column), Cell.BLANK));
              }
              return cells;
            });
  }

  /** Transposes values by columns to values by rows; a gap becomes null, which writes nothing. */
  static ArrayNode toRows(JsonNode values, Dimension major) {
    if (major == Dimension.ROWS) {
      return values instanceof ArrayNode rows ? rows : Json.array();
    }
    ArrayNode rows = Json.array();
    for (int column = 0; column < values.size(); column++) {
      JsonNode cells = values.get(column);
      for (int row = 0; row < cells.size(); row++) {
        while (rows.size() <= row) {
          rows.addArray();
        }
        RowTable.setCell((ArrayNode) rows.get(row), column, cells.get(row));
      }
    }
    return rows;
  }

  /** The length of the longest row. */
  static int width(JsonNode rows) {
    int width = 0;
    for (JsonNode row : rows) {
      width = Math.max(width, row.size());
    }
    return width;
  }

  /** The API's {@code UpdateValuesResponse}, without the data. */
  ObjectNode response(Written written, Place asked) {
    ObjectNode response = Json.object();
    response.put("spreadsheetId", spreadsheet.id());
    if (written.isEmpty()) {
      return response.put("updatedRange", asked.a1());
    }
    return response
        .put("updatedRange", written.place().a1())
        .put("updatedRows", written.range().rows())
        .put("updatedColumns", written.range().columns())
        .put("updatedCells", written.cells());
  }

  private int writeRow(Sheet sheet, int row, int startColumn, JsonNode values, ValueInput input) {
    ArrayNode cells = spreadsheet.rows().get(sheet, row);
    int written = 0;
    for (int i = 0; i < values.size(); i++) {
      if (!values.get(i).isNull()) {
        int column = startColumn + i;
        JsonNode cell = input.toCell(values.get(i));
        RowTable.setCell(cells, column, Cell.withValue(RowTable.cell(cells, column), cell));
        written++;
      }
    }
    spreadsheet.rows().put(sheet, row, cells);
    return written;
  }

  private static void requireInside(Place place, GridRange range) {
    GridRange asked = place.clipped();
    String beyond = null;
    if (range.endRow() > asked.endRow()) {
      beyond = "row [" + (asked.endRow() + 1) + "]";
    } else if (range.endColumn() > asked.endColumn()) {
      beyond = "column [" + A1Range.columnName(asked.endColumn()) + "]";
    }
    if (beyond != null) {
      throw SheetsException.invalid(
          "Requested writing within range [%s], but tried writing to %s"
              .formatted(place.a1(), beyond));
    }
  }
}
