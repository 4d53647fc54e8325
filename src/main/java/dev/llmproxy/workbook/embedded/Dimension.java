package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;

/** The API's {@code Dimension}. */
enum Dimension {
  ROWS("row"),
  COLUMNS("column");

  private final String word;

  Dimension(String word) {
    this.word = word;
  }

  /** Parses {@code majorDimension}; rows when it is missing. */
  static Dimension parseMajor(String name) {
    return name == null || name.equals("DIMENSION_UNSPECIFIED") ? ROWS : parse(name);
  }

  /** Parses the {@code dimension} of a request, which is required. */
  static Dimension of(JsonNode request) {
    return parse(request.path("dimension").asText("DIMENSION_UNSPECIFIED"));
  }

  /** "row" or "column", for messages. */
  String word() {
    return word;
  }

  /** The default height of a row, or width of a column. */
  int defaultPixels() {
    return this == ROWS ? 21 : 100;
  }

  /** The field of {@code GridProperties} with the number of rows or columns. */
  String countField() {
    return word + "Count";
  }

  /** The field of {@code GridProperties} with the number of frozen rows or columns. */
  String frozenField() {
    return this == ROWS ? "frozenRowCount" : "frozenColumnCount";
  }

  /** Parses a required dimension. */
  static Dimension parse(String name) {
    for (Dimension dimension : values()) {
      if (dimension.name().equals(name)) {
        return dimension;
      }
    }
    throw SheetsException.invalid("No such dimension: " + name);
  }
}
