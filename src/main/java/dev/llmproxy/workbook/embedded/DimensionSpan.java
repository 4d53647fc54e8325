package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Neighbouring rows or columns of a sheet.
 *
 * @param start the first index, from 0
 * @param end the index after the last
 */
record DimensionSpan(Sheet sheet, Dimension dimension, int start, int end) {
  /**
   * Reads the API's {@code DimensionRange}; without an end, the span ends with the grid.
   *
   * @throws SheetsException when the span is empty
   */
  static DimensionSpan of(OpenSpreadsheet spreadsheet, JsonNode range) {
    Sheet sheet = spreadsheet.sheet(range);
    Dimension dimension = Dimension.of(range);
    int start = range.path("startIndex").asInt();
    int end = range.path("endIndex").asInt(sheet.count(dimension));
    if (start < 0 || end <= start) {
      throw SheetsException.invalid(
          "range.startIndex[%d] must be less than range.endIndex[%d].".formatted(start, end));
    }
    return new DimensionSpan(sheet, dimension, start, end);
  }

  int length() {
    return end - start;
  }

  void requireOnGrid() {
    int size = sheet.count(dimension);
    if (end > size) {
      throw SheetsException.invalid(
          "range.endIndex[%d] is beyond the grid, which has %d %ss."
              .formatted(end, size, dimension.word()));
    }
  }
}
