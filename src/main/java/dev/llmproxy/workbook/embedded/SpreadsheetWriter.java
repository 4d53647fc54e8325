package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
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
   * @param ranges what to show; when empty, all sheets whole
   * @param withCells whether to write the cells too
   */
  void write(List<String> ranges, boolean withCells, JsonGenerator out) throws IOException {
    // All ranges are looked up before the first byte goes out, while a refusal is still possible.
    List<Place> places = ranges.stream().map(spreadsheet::place).toList();
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
    out.writeStringField("spreadsheetUrl", rootUrl + "v4/spreadsheets/" + spreadsheet.id());
    out.writeEndObject();
  }

  private static List<Place> on(Sheet sheet, List<Place> places) {
    return places.stream().filter(place -> place.sheet().key() == sheet.key()).toList();
  }

  private void writeSheet(Sheet sheet, List<Place> places, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeObjectField("properties", sheet.properties());
    if (!places.isEmpty()) {
      out.writeArrayFieldStart("data");
      for (Place place : places) {
        writeGridData(place.sheet(), place.clipped(), out);
      }
      out.writeEndArray();
    }
    out.writeEndObject();
  }

  private void writeGridData(Sheet sheet, GridRange range, JsonGenerator out) throws IOException {
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
    out.writeEndObject();
  }

  /** Writes a row, and before it the blank ones since the last. */
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
          JsonNode shown = Cell.show(cells.get(column));
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
