package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;

/** Requests of a batch that insert or delete cells between other cells. */
final class RangeRequests {
  private final OpenSpreadsheet spreadsheet;

  RangeRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  /** Shifts cells down or right to make room; the grid grows so that no cell is lost. */
  ObjectNode insertRange(ObjectNode request) {
    Place place = spreadsheet.grid(request.path("range"));
    GridRange range = place.asked();
    RowTable rows = spreadsheet.rows();
    GridRange behind = behind(place, range.startRow(), range.startColumn(), request);
    CellBlock shifted = CellBlock.read(rows, place.sheet(), behind);
    boolean down = shiftDimension(request) == Dimension.ROWS;
    Sheet sheet =
        down
            ? grown(place.sheet(), Dimension.ROWS, shifted.usedRows() + range.endRow())
            : grown(place.sheet(), Dimension.COLUMNS, shifted.usedColumns() + range.endColumn());
    CellBlock.blank(behind.rows(), behind.columns())
        .write(rows, sheet, behind.startRow(), behind.startColumn());
    shifted.write(
        rows,
        sheet,
        behind.startRow() + (down ? range.rows() : 0),
        behind.startColumn() + (down ? 0 : range.columns()));
    return Json.object();
  }

  /** Deletes cells; the cells below or to the right move up or left. */
  ObjectNode deleteRange(ObjectNode request) {
    Place place = spreadsheet.grid(request.path("range"));
    GridRange range = place.asked();
    RowTable rows = spreadsheet.rows();
    boolean up = shiftDimension(request) == Dimension.ROWS;
    GridRange behind =
        up
            ? behind(place, range.endRow(), range.startColumn(), request)
            : behind(place, range.startRow(), range.endColumn(), request);
    CellBlock shifted = CellBlock.read(rows, place.sheet(), behind);
    GridRange touched = behind(place, range.startRow(), range.startColumn(), request);
    CellBlock.blank(touched.rows(), touched.columns())
        .write(rows, place.sheet(), touched.startRow(), touched.startColumn());
    shifted.write(rows, place.sheet(), range.startRow(), range.startColumn());
    return Json.object();
  }

  /** From a corner to the end of the grid, with the width or the height of the range. */
  private static GridRange behind(Place place, int row, int column, ObjectNode request) {
    GridRange range = place.asked();
    return shiftDimension(request) == Dimension.ROWS
        ? new GridRange(row, place.sheet().rowCount(), range.startColumn(), range.endColumn())
        : new GridRange(range.startRow(), range.endRow(), column, place.sheet().columnCount());
  }

  private static Dimension shiftDimension(ObjectNode request) {
    return Dimension.parse(request.path("shiftDimension").asText("DIMENSION_UNSPECIFIED"));
  }

  private Sheet grown(Sheet sheet, Dimension dimension, int least) {
    return least > sheet.count(dimension)
        ? spreadsheet.sheets().resize(sheet, dimension, least)
        : sheet;
  }
}
