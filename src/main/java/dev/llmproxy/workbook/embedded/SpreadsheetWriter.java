package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/** Writes the API's {@code Spreadsheet}, with or without its cells, row by row. */
final class SpreadsheetWriter {
  private final OpenSpreadsheet spreadsheet;
  private final String rootUrl;

  SpreadsheetWriter(OpenSpreadsheet spreadsheet, String rootUrl) {
    this.spreadsheet = spreadsheet;
    this.rootUrl = rootUrl;
  }

  /**
   * Writes one JSON object.
   *
   * @param ranges the ranges to write, in A1 notation; all sheets completely when empty
   * @param withCells whether to write the cells too
   */
  void write(List<String> ranges, boolean withCells, JsonGenerator out) throws IOException {
    // All ranges are looked up before the first byte is sent, while an error answer is still
    // possible.
    writePlaces(ranges.stream().map(spreadsheet::place).toList(), withCells, out);
  }

  /** Like {@link #write}, for ranges that are already looked up. */
  void writePlaces(List<Place> places, boolean withCells, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeStringField("spreadsheetId", spreadsheet.id());
    out.writeObjectField("properties", spreadsheet.properties());
    out.writeArrayFieldStart("sheets");
    for (Sheet sheet : spreadsheet.sheets().all()) {
      List<Place> shown =
          places.isEmpty() ? List.of(new Place(sheet, GridRange.WHOLE_SHEET)) : on(sheet, places);
      if (!shown.isEmpty()) {
        writeSheet(sheet, withCells ? shown : List.of(), out);
      }
    }
    out.writeEndArray();
    if (!spreadsheet.layout().namedRanges().isEmpty()) {
      out.writeObjectField("namedRanges", spreadsheet.layout().namedRanges());
    }
    out.writeStringField("spreadsheetUrl", rootUrl + "v4/spreadsheets/" + spreadsheet.id());
    out.writeEndObject();
  }

  private static List<Place> on(Sheet sheet, List<Place> places) {
    return places.stream().filter(place -> place.sheet().key() == sheet.key()).toList();
  }

  private void writeSheet(Sheet sheet, List<Place> places, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeObjectField("properties", sheet.properties());
    ObjectNode layout = spreadsheet.layout().of(sheet);
    for (String field : List.of(Layout.FILTER, Layout.PROTECTED)) {
      if (!layout.path(field).isEmpty()) {
        out.writeObjectField(field, layout.get(field));
      }
    }
    if (!places.isEmpty()) {
      out.writeArrayFieldStart("data");
      for (Place place : places) {
        writeGridData(place.sheet(), place.clipped(), layout, out);
      }
      out.writeEndArray();
    }
    out.writeEndObject();
  }

  private void writeGridData(Sheet sheet, GridRange range, ObjectNode layout, JsonGenerator out)
      throws IOException {
    out.writeStartObject();
    if (range.startRow() > 0) {
      out.writeNumberField("startRow", range.startRow());
    }
    if (range.startColumn() > 0) {
      out.writeNumberField("startColumn", range.startColumn());
    }
    out.writeArrayFieldStart("rowData");
    int[] next = {range.startRow()};
    try {
      spreadsheet
          .rows()
          .scan(
              sheet,
              range.startRow(),
              range.endRow(),
              (row, cells) -> writeRows(next, row, cells, range, out));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    out.writeEndArray();
    writeMetadata("rowMetadata", Dimension.ROWS, range.startRow(), range.endRow(), layout, out);
    writeMetadata(
        "columnMetadata", Dimension.COLUMNS, range.startColumn(), range.endColumn(), layout, out);
    out.writeEndObject();
  }

  /** Writes the {@code DimensionProperties} of each row or column. */
  private static void writeMetadata(
      String field, Dimension dimension, int start, int end, ObjectNode layout, JsonGenerator out)
      throws IOException {
    Stretches stretches = Layout.dimensions(layout, dimension);
    out.writeArrayFieldStart(field);
    for (int index = start; index < end; index++) {
      ObjectNode properties = Json.object().put("pixelSize", dimension.defaultPixels());
      stretches.at(index).ifPresent(properties::setAll);
      out.writeTree(properties);
    }
    out.writeEndArray();
  }

  /** Writes a row after the blank rows between the last written row and this row. */
  private static void writeRows(
      int[] next, int row, ArrayNode cells, GridRange range, JsonGenerator out) {
    try {
      for (; next[0] < row; next[0]++) {
        out.writeStartObject();
        out.writeEndObject();
      }
      next[0]++;
      out.writeStartObject();
      int end = Math.min(range.endColumn(), cells.size());
      if (end > range.startColumn()) {
        out.writeArrayFieldStart("values");
        for (int column = range.startColumn(); column < end; column++) {
          JsonNode shown = Cell.toFullData(cells.get(column));
          out.writeTree(shown);
        }
        out.writeEndArray();
      }
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
