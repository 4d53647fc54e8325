package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.services.sheets.v4.model.CellData;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;

/** Requests of a batch that write cells. */
final class CellRequests {
  private final OpenSpreadsheet spreadsheet;

  CellRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  /**
   * Appends after the last row with data. The grid gets more rows if needed, never more columns.
   */
  ObjectNode appendCells(ObjectNode request) {
    FieldsMask mask = mask(request);
    JsonNode rows = request.path("rows");
    Sheet sheet = spreadsheet.sheet(request);
    int start =
        1 + spreadsheet.rows().lastRowWithValue(sheet, 0, sheet.rowCount(), 0, sheet.columnCount());
    int end = start + rows.size();
    if (end > sheet.rowCount()) {
      sheet = spreadsheet.sheets().resize(sheet, Dimension.ROWS, end);
    }
    write(sheet, start, 0, rows, mask);
    return Json.object();
  }

  /**
   * Writes from a start position, or into a range. The range's cells that the request lacks are
   * cleared.
   */
  ObjectNode updateCells(ObjectNode request) {
    FieldsMask mask = mask(request);
    JsonNode rows = request.path("rows");
    JsonNode start = request.path("start");
    if (start.isObject() == request.path("range").isObject()) {
      throw SheetsException.invalid("Exactly one of 'start' and 'range' must be set.");
    }
    if (start.isObject()) {
      int row = start.path("rowIndex").asInt();
      write(spreadsheet.sheet(start), row, start.path("columnIndex").asInt(), rows, mask);
    } else {
      fill(request.get("range"), rows, mask);
    }
    return Json.object();
  }

  /**
   * Writes rows of {@code CellData}.
   *
   * @throws SheetsException when the rows do not fit into the grid
   */
  void write(Sheet sheet, int startRow, int startColumn, JsonNode rows, FieldsMask mask) {
    requireInside(sheet, startRow, startColumn, rows);
    for (int i = 0; i < rows.size(); i++) {
      JsonNode values = rows.get(i).path("values");
      writeRow(sheet, startRow + i, startColumn, values.size(), values, mask);
    }
  }

  private void fill(JsonNode place, JsonNode rows, FieldsMask mask) {
    Place target = spreadsheet.grid(place);
    Sheet sheet = target.sheet();
    GridRange range = target.asked();
    for (int i = 0; i < rows.size(); i++) {
      int width = rows.get(i).path("values").size();
      if (i >= range.rows() || width > range.columns()) {
        boolean tooManyRows = i >= range.rows();
        throw beyond(
            tooManyRows ? Dimension.ROWS : Dimension.COLUMNS,
            tooManyRows ? range.endRow() : range.endColumn(),
            "requested");
      }
    }
    for (int i = 0; i < rows.size(); i++) {
      JsonNode values = rows.get(i).path("values");
      int row = range.startRow() + i;
      writeRow(sheet, row, range.startColumn(), range.columns(), values, mask);
    }
    blank(sheet, range.startRow() + rows.size(), range, mask);
  }

  /** Clears the masked fields in the rows of a range that the request lacks. */
  private void blank(Sheet sheet, int startRow, GridRange range, FieldsMask mask) {
    spreadsheet
        .rows()
        .replaceAll(
            sheet,
            startRow,
            range.endRow(),
            cells -> {
              int end = Math.min(range.endColumn(), cells.size());
              for (int column = range.startColumn(); column < end; column++) {
                cells.set(column, Cell.merge(cells.get(column), Json.object(), mask));
              }
              return cells;
            });
  }

  private void writeRow(
      Sheet sheet, int row, int startColumn, int width, JsonNode values, FieldsMask mask) {
    ArrayNode cells = spreadsheet.rows().get(sheet, row);
    for (int i = 0; i < width; i++) {
      int column = startColumn + i;
      ObjectNode data = values.get(i) instanceof ObjectNode object ? object : Json.object();
      RowTable.setCell(cells, column, Cell.merge(RowTable.cell(cells, column), data, mask));
    }
    spreadsheet.rows().put(sheet, row, cells);
  }

  private static FieldsMask mask(ObjectNode request) {
    FieldsMask mask = FieldsMask.parseRequired(request);
    GoogleModel.check(mask, CellData.class);
    return mask;
  }

  private static void requireInside(Sheet sheet, int startRow, int startColumn, JsonNode rows) {
    int width = 0;
    for (JsonNode row : rows) {
      width = Math.max(width, row.path("values").size());
    }
    if (startRow < 0 || startColumn < 0) {
      throw SheetsException.invalid("Row and column indexes count from 0.");
    }
    if ((long) startRow + rows.size() > sheet.rowCount()) {
      throw beyond(Dimension.ROWS, sheet.rowCount(), "available");
    }
    if ((long) startColumn + width > sheet.columnCount()) {
      throw beyond(Dimension.COLUMNS, sheet.columnCount(), "available");
    }
  }

  private static SheetsException beyond(Dimension dimension, int end, String which) {
    return SheetsException.invalid(
        "Attempting to write %s: %d, beyond the last %s %s of: %d"
            .formatted(dimension.word(), end, which, dimension.word(), end - 1));
  }
}
