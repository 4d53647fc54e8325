package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.UnaryOperator;

/** Requests of a batch that add or remove whole rows or columns. */
final class DimensionRequests {
  private final OpenSpreadsheet spreadsheet;

  DimensionRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  ObjectNode insertDimension(ObjectNode request) {
    Span span = span(request);
    int size = span.sheet().count(span.dimension());
    if (span.start() > size) {
      throw SheetsException.invalid(
          "range.startIndex[%d] is beyond the grid, which has %d %ss."
              .formatted(span.start(), size, span.dimension().word()));
    }
    if (span.dimension() == Dimension.ROWS) {
      spreadsheet.rows().shift(span.sheet(), span.start(), span.length());
    } else {
      changeRows(span, cells -> insert(cells, span));
    }
    spreadsheet.sheets().resize(span.sheet(), span.dimension(), size + span.length());
    return Json.object();
  }

  ObjectNode deleteDimension(ObjectNode request) {
    Span span = span(request);
    int size = span.sheet().count(span.dimension());
    requireDeletable(span, size);
    if (span.dimension() == Dimension.ROWS) {
      spreadsheet.rows().delete(span.sheet(), span.start(), span.end());
      spreadsheet.rows().shift(span.sheet(), span.end(), -span.length());
    } else {
      changeRows(span, cells -> remove(cells, span));
    }
    shrink(span, size);
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

  /** Some neighbouring rows or columns. */
  private record Span(Sheet sheet, Dimension dimension, int start, int end) {
    int length() {
      return end - start;
    }
  }

  /** The {@code range}; an end that is absent is the grid's. */
  private Span span(ObjectNode request) {
    JsonNode range = request.path("range");
    Sheet sheet = spreadsheet.sheet(range);
    Dimension dimension = Dimension.of(range);
    int start = range.path("startIndex").asInt();
    int end = range.path("endIndex").asInt(sheet.count(dimension));
    if (start < 0 || end <= start) {
      throw SheetsException.invalid(
          "range.startIndex[%d] must be less than range.endIndex[%d].".formatted(start, end));
    }
    return new Span(sheet, dimension, start, end);
  }

  private static void requireDeletable(Span span, int size) {
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

  private void shrink(Span span, int size) {
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

  private void changeRows(Span span, UnaryOperator<ArrayNode> change) {
    spreadsheet.rows().replaceAll(span.sheet(), 0, span.sheet().rowCount(), change);
  }

  private static ArrayNode insert(ArrayNode cells, Span span) {
    for (int i = 0; i < span.length() && span.start() < cells.size(); i++) {
      cells.insertNull(span.start());
    }
    return cells;
  }

  private static ArrayNode remove(ArrayNode cells, Span span) {
    for (int i = 0; i < span.length() && span.start() < cells.size(); i++) {
      cells.remove(span.start());
    }
    return cells;
  }
}
