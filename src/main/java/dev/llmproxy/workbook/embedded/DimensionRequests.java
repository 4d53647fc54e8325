package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.UnaryOperator;

/** Requests of a batch that insert, move or delete whole rows or columns. */
final class DimensionRequests {
  private final OpenSpreadsheet spreadsheet;

  DimensionRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  ObjectNode insertDimension(ObjectNode request) {
    DimensionSpan span = DimensionSpan.of(spreadsheet, request.path("range"));
    int size = span.sheet().count(span.dimension());
    if (span.start() > size) {
      throw SheetsException.invalid(
          "range.startIndex[%d] is beyond the grid, which has %d %ss."
              .formatted(span.start(), size, span.dimension().word()));
    }
    shiftLayout(span, Shift.insert(span.start(), span.length()));
    if (span.dimension() == Dimension.ROWS) {
      spreadsheet.rows().shift(span.sheet(), span.start(), span.length());
    } else {
      changeRows(span, cells -> insert(cells, span));
    }
    spreadsheet.sheets().resize(span.sheet(), span.dimension(), size + span.length());
    return Json.object();
  }

  ObjectNode deleteDimension(ObjectNode request) {
    DimensionSpan span = DimensionSpan.of(spreadsheet, request.path("range"));
    int size = span.sheet().count(span.dimension());
    requireDeletable(span, size);
    shiftLayout(span, Shift.delete(span.start(), span.end()));
    if (span.dimension() == Dimension.ROWS) {
      spreadsheet.rows().delete(span.sheet(), span.start(), span.end());
      spreadsheet.rows().shift(span.sheet(), span.end(), -span.length());
    } else {
      changeRows(span, cells -> remove(cells, span));
    }
    shrink(span, size);
    return Json.object();
  }

  /** Moves rows or columns to before the one that has the destination index before the move. */
  ObjectNode moveDimension(ObjectNode request) {
    DimensionSpan span = DimensionSpan.of(spreadsheet, request.path("source"));
    span.requireOnGrid();
    int destination = request.path("destinationIndex").asInt();
    if (destination < 0 || destination > span.sheet().count(span.dimension())) {
      throw SheetsException.invalid(
          "destinationIndex[%d] is beyond the grid.".formatted(destination));
    }
    if (destination >= span.start() && destination <= span.end()) {
      return Json.object(); // it is there already
    }
    shiftLayout(span, Shift.move(span.start(), span.end(), destination));
    if (span.dimension() == Dimension.ROWS) {
      spreadsheet.rows().move(span.sheet(), span.start(), span.end(), destination);
    } else {
      changeRows(span, cells -> move(cells, span, destination));
    }
    return Json.object();
  }

  ObjectNode appendDimension(ObjectNode request) {
    Sheet sheet = spreadsheet.sheet(request);
    Dimension dimension = Dimension.of(request);
    int length = request.path("length").asInt();
    if (length < 1) {
      throw SheetsException.invalid("length[%d] must be at least 1.".formatted(length));
    }
    spreadsheet.sheets().resize(sheet, dimension, sheet.count(dimension) + length);
    return Json.object();
  }

  private static void requireDeletable(DimensionSpan span, int size) {
    String word = span.dimension().word();
    if (span.end() > size) {
      throw SheetsException.invalid(
          "Cannot delete a %s that doesn't exist. Tried to delete %s index %d but there are only %d %ss."
              .formatted(word, word, span.end() - 1, size, word));
    }
    if (span.length() == size) {
      throw SheetsException.invalid("You can't delete all the %ss on the sheet.".formatted(word));
    }
    int frozen = span.sheet().frozen(span.dimension());
    if (span.start() <= frozen && span.end() == size) {
      throw SheetsException.invalid(
          "Sorry, it is not possible to delete all non-frozen %ss.".formatted(word));
    }
  }

  private void shrink(DimensionSpan span, int size) {
    int frozen = span.sheet().frozen(span.dimension());
    int frozenLeft = frozen - Math.max(0, Math.min(span.end(), frozen) - span.start());
    ObjectNode properties = span.sheet().properties().deepCopy();
    ObjectNode grid = properties.withObject("gridProperties");
    grid.put(span.dimension().countField(), size - span.length());
    if (frozenLeft != frozen) {
      grid.put(span.dimension().frozenField(), frozenLeft);
    }
    spreadsheet.sheets().save(span.sheet(), properties);
  }

  private void changeRows(DimensionSpan span, UnaryOperator<ArrayNode> change) {
    spreadsheet.rows().replaceAll(span.sheet(), 0, span.sheet().rowCount(), change);
  }

  private void shiftLayout(DimensionSpan span, Shift shift) {
    spreadsheet.layout().shift(span.sheet(), span.dimension(), shift);
  }

  private static ArrayNode move(ArrayNode cells, DimensionSpan span, int destination) {
    ArrayNode moved = Json.array();
    for (int column = 0; column < cells.size(); column++) {
      RowTable.setCell(
          moved, Shift.afterMove(column, span.start(), span.end(), destination), cells.get(column));
    }
    return moved;
  }

  private static ArrayNode insert(ArrayNode cells, DimensionSpan span) {
    for (int i = 0; i < span.length() && span.start() < cells.size(); i++) {
      cells.insertNull(span.start());
    }
    return cells;
  }

  private static ArrayNode remove(ArrayNode cells, DimensionSpan span) {
    for (int i = 0; i < span.length() && span.start() < cells.size(); i++) {
      cells.remove(span.start());
    }
    return cells;
  }
}
