package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import java.util.function.BinaryOperator;

/** Requests of a batch that copy and move cells. They hold the cells in memory. */
final class CopyRequests {
  private static final FieldsMask VALUE = FieldsMask.parse("userEnteredValue");
  private static final FieldsMask FORMAT =
      FieldsMask.parse("userEnteredFormat,textFormatRuns,dataValidation");
  private static final FieldsMask VALIDATION = FieldsMask.parse("dataValidation");

  private final OpenSpreadsheet spreadsheet;

  CopyRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  /** Copies cells. A destination that is a multiple of the source is filled with copies of it. */
  ObjectNode copyPaste(ObjectNode request) {
    BinaryOperator<JsonNode> paste = paste(request);
    Place destination = spreadsheet.grid(request.path("destination"));
    CellBlock source = read(spreadsheet.grid(request.path("source")));
    CellBlock block =
        request.path("pasteOrientation").asText().equals("TRANSPOSE")
            ? source.transposed()
            : source;
    GridRange range = destination.asked();
    int down = times(range.rows(), block.height());
    int right = times(range.columns(), block.width());
    for (int i = 0; i < down; i++) {
      for (int j = 0; j < right; j++) {
        int row = range.startRow() + i * block.height();
        write(block, destination.sheet(), row, range.startColumn() + j * block.width(), paste);
      }
    }
    return Json.object();
  }

  /** Moves cells; their old places become blank. */
  ObjectNode cutPaste(ObjectNode request) {
    BinaryOperator<JsonNode> paste = paste(request);
    Place source = spreadsheet.grid(request.path("source"));
    JsonNode destination = request.path("destination");
    Sheet to = spreadsheet.sheet(destination);
    CellBlock block = read(source);
    GridRange range = source.asked();
    CellBlock.blank(block.height(), block.width())
        .write(spreadsheet.rows(), source.sheet(), range.startRow(), range.startColumn());
    int row = destination.path("rowIndex").asInt();
    write(block, to, row, destination.path("columnIndex").asInt(), paste);
    return Json.object();
  }

  private CellBlock read(Place place) {
    return CellBlock.read(spreadsheet.rows(), place.sheet(), place.asked());
  }

  private void write(
      CellBlock block, Sheet sheet, int row, int column, BinaryOperator<JsonNode> paste) {
    GridRange target = GridRange.sized(row, column, block.height(), block.width());
    if (!target.endsInside(sheet.rowCount(), sheet.columnCount())) {
      throw sheet.exceedsGrid(target);
    }
    block.write(spreadsheet.rows(), sheet, row, column, paste);
  }

  private static int times(int destination, int source) {
    return destination % source == 0 ? destination / source : 1;
  }

  /** The result of {@code pasteType} for the existing cell and the pasted one. */
  private static BinaryOperator<JsonNode> paste(ObjectNode request) {
    String type = request.path("pasteType").asText("PASTE_NORMAL");
    return switch (type) {
      case "PASTE_NORMAL" -> (there, pasted) -> pasted;
      case "PASTE_VALUES" -> CopyRequests::pasteValue;
      case "PASTE_FORMULA" -> masked(VALUE);
      case "PASTE_FORMAT" -> masked(FORMAT);
      case "PASTE_DATA_VALIDATION" -> masked(VALIDATION);
      default -> throw SheetsException.unsupported(type);
    };
  }

  private static BinaryOperator<JsonNode> masked(FieldsMask mask) {
    return (there, pasted) -> Cell.merge(there, Cell.toData(pasted), mask);
  }

  private static JsonNode pasteValue(JsonNode there, JsonNode pasted) {
    if (Cell.isFormula(pasted)) {
      throw SheetsException.unsupported("PASTE_VALUES of a formula, because it evaluates none");
    }
    return Cell.withValue(there, Cell.value(pasted));
  }
}
