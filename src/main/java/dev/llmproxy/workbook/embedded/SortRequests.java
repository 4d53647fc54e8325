package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The request of a batch that sorts the rows of a range. It holds the range in memory. */
final class SortRequests {
  /** Numbers before text before booleans, text without case, as the grid sorts. */
  private static final Comparator<JsonNode> VALUES =
      Comparator.comparingInt(SortRequests::kind)
          .thenComparingDouble(value -> value.isNumber() ? value.doubleValue() : 0)
          .thenComparing(value -> value.asText(), String.CASE_INSENSITIVE_ORDER);

  private final OpenSpreadsheet spreadsheet;

  SortRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  ObjectNode sortRange(ObjectNode request) {
    Place place = spreadsheet.grid(request.path("range"));
    Sheet sheet = place.sheet();
    GridRange range = place.asked();
    Comparator<ArrayNode> order = order(request.path("sortSpecs"), range);
    List<ArrayNode> slices = new ArrayList<>();
    spreadsheet
        .rows()
        .scan(
            sheet,
            range.startRow(),
            range.endRow(),
            (row, cells) -> {
              slices.add(slice(cells, range));
              spreadsheet.rows().put(sheet, row, paste(cells, Json.array(), range));
            });
    slices.sort(order);
    for (int i = 0; i < slices.size(); i++) {
      int row = range.startRow() + i;
      ArrayNode cells = spreadsheet.rows().get(sheet, row);
      spreadsheet.rows().put(sheet, row, paste(cells, slices.get(i), range));
    }
    return Json.object();
  }

  private static ArrayNode slice(ArrayNode cells, GridRange range) {
    ArrayNode slice = Json.array();
    for (int column = range.startColumn(); column < range.endColumn(); column++) {
      slice.add(RowTable.cell(cells, column));
    }
    return slice;
  }

  private static ArrayNode paste(ArrayNode cells, ArrayNode slice, GridRange range) {
    for (int i = 0; i < range.columns(); i++) {
      RowTable.setCell(cells, range.startColumn() + i, RowTable.cell(slice, i));
    }
    return cells;
  }

  private static Comparator<ArrayNode> order(JsonNode specs, GridRange range) {
    if (specs.isEmpty()) {
      throw SheetsException.invalid("Must specify at least one sort spec.");
    }
    Comparator<ArrayNode> order = null;
    for (JsonNode spec : specs) {
      Comparator<ArrayNode> next = column(spec, range);
      order = order == null ? next : order.thenComparing(next);
    }
    return order;
  }

  private static Comparator<ArrayNode> column(JsonNode spec, GridRange range) {
    int column = spec.path("dimensionIndex").asInt();
    if (column < range.startColumn() || column >= range.endColumn()) {
      throw SheetsException.invalid(
          "Invalid sort dimension: column %d is outside the range.".formatted(column));
    }
    int offset = column - range.startColumn();
    boolean descending = spec.path("sortOrder").asText().equals("DESCENDING");
    Comparator<JsonNode> values = descending ? VALUES.reversed() : VALUES;
    Comparator<JsonNode> blanksLast = Comparator.comparing(JsonNode::isNull).thenComparing(values);
    return Comparator.comparing(slice -> Cell.value(RowTable.cell(slice, offset)), blanksLast);
  }

  private static int kind(JsonNode value) {
    if (value.isNumber()) {
      return 0;
    }
    return value.isTextual() ? 1 : 2;
  }
}
