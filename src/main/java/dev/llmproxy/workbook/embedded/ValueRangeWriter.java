package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes the API's {@code ValueRange} row by row. Blank cells at the end of a row and blank rows at
 * the end of the range are left out.
 */
final class ValueRangeWriter {
  private final RowTable rows;
  private final Dimension major;
  private final ValueRender render;

  ValueRangeWriter(RowTable rows, Dimension major, ValueRender render) {
    this.rows = rows;
    this.major = major;
    this.render = render;
  }

  /** Writes one JSON object. */
  void write(Place place, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeStringField("range", place.a1());
    out.writeStringField("majorDimension", major.name());
    if (major == Dimension.ROWS) {
      writeRows(place, out);
    } else {
      writeColumns(place, out);
    }
    out.writeEndObject();
  }

  private void writeRows(Place place, JsonGenerator out) throws IOException {
    LazyArray values = new LazyArray(out, place.clipped().startRow());
    try {
      forEachRow(place, values::write);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    values.end();
  }

  private void writeColumns(Place place, JsonGenerator out) throws IOException {
    List<ArrayNode> columns = new ArrayList<>();
    int firstRow = place.clipped().startRow();
    forEachRow(
        place,
        (row, values) -> {
          for (int column = 0; column < values.size(); column++) {
            if (columns.size() == column) {
              columns.add(Json.array());
            }
            if (!values.get(column).asText().isEmpty()) {
              pad(columns.get(column), row - firstRow).add(values.get(column));
            }
          }
        });
    LazyArray values = new LazyArray(out, 0);
    for (int column = 0; column < columns.size(); column++) {
      values.write(column, columns.get(column));
    }
    values.end();
  }

  /** Visits each row that has values, with its rendered values and without trailing blanks. */
  private void forEachRow(Place place, RowTable.Visitor visitor) {
    GridRange range = place.clipped();
    rows.scan(
        place.sheet(),
        range.startRow(),
        range.endRow(),
        (row, cells) -> {
          ArrayNode values = renderRow(cells, range);
          if (!values.isEmpty()) {
            visitor.visit(row, values);
          }
        });
  }

  private ArrayNode renderRow(ArrayNode cells, GridRange range) {
    ArrayNode values = Json.array();
    int end = Math.min(range.endColumn(), cells.size());
    for (int column = range.startColumn(); column < end; column++) {
      JsonNode cell = cells.get(column);
      if (!Cell.isBlank(cell)) {
        pad(values, column - range.startColumn()).add(render.render(cell));
      }
    }
    return values;
  }

  private static ArrayNode pad(ArrayNode values, int size) {
    while (values.size() < size) {
      values.add("");
    }
    return values;
  }

  /** The field {@code values}. It starts with its first element; Google omits an empty one. */
  private static final class LazyArray {
    private final JsonGenerator out;
    private int next;
    private boolean begun;

    LazyArray(JsonGenerator out, int first) {
      this.out = out;
      this.next = first;
    }

    void write(int position, ArrayNode element) {
      try {
        if (!begun) {
          out.writeArrayFieldStart("values");
          begun = true;
        }
        for (; next < position; next++) {
          out.writeStartArray();
          out.writeEndArray();
        }
        out.writeTree(element);
        next++;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    void end() throws IOException {
      if (begun) {
        out.writeEndArray();
      }
    }
  }
}
