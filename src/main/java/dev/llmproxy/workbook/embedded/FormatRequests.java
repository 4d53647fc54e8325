package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.services.sheets.v4.model.CellData;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;

/**
 * Requests of a batch that set the same format, note or validation rule for all cells of a range.
 * These are stored and returned; rules restrict people in the grid, not writes through the API.
 */
final class FormatRequests {
  private static final FieldsMask VALIDATION = FieldsMask.parse("dataValidation");

  private final OpenSpreadsheet spreadsheet;

  FormatRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  ObjectNode repeatCell(ObjectNode request) {
    FieldsMask mask = FieldsMask.parseRequired(request);
    GoogleModel.check(mask, CellData.class);
    ObjectNode cell = request.get("cell") instanceof ObjectNode given ? given : Json.object();
    return repeat(spreadsheet.grid(request.path("range")), cell, mask);
  }

  ObjectNode setDataValidation(ObjectNode request) {
    ObjectNode cell = Json.object();
    if (request.hasNonNull("rule")) {
      cell.set("dataValidation", request.get("rule"));
    }
    return repeat(spreadsheet.grid(request.path("range")), cell, VALIDATION);
  }

  private ObjectNode repeat(Place place, ObjectNode cell, FieldsMask mask) {
    GridRange range = place.asked();
    boolean clearing = Cell.merge(Cell.BLANK, cell, mask).isNull();
    for (int row = range.startRow(); row < range.endRow(); row++) {
      ArrayNode cells = spreadsheet.rows().get(place.sheet(), row);
      int end = clearing ? Math.min(range.endColumn(), cells.size()) : range.endColumn();
      for (int column = range.startColumn(); column < end; column++) {
        RowTable.setCell(cells, column, Cell.merge(RowTable.cell(cells, column), cell, mask));
      }
      spreadsheet.rows().put(place.sheet(), row, cells);
    }
    return Json.object();
  }
}
