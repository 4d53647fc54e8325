package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/** One spreadsheet within one transaction. */
final class OpenSpreadsheet {
  private final String id;
  private ObjectNode properties;
  private final SheetTable sheets;
  private final RowTable rows;
  private final Layout layout;
  private final Sql sql;

  private OpenSpreadsheet(Sql sql, String id, ObjectNode properties) {
    this.id = id;
    this.properties = properties;
    this.sheets = new SheetTable(sql, id);
    this.rows = new RowTable(sql);
    this.layout = new Layout(sql, id);
    this.sql = sql;
  }

  /**
   * Finds a spreadsheet.
   *
   * @throws SheetsException 404 when there is no spreadsheet with this id
   */
  static OpenSpreadsheet find(Sql sql, String id) {
    return sql.first(
            "SELECT properties FROM spreadsheet WHERE id = ?",
            row -> new OpenSpreadsheet(sql, id, Json.readObject(row.getString(1))),
            id)
        .orElseThrow(() -> SheetsException.notFound("Requested entity was not found."));
  }

  /** Whether there is a spreadsheet with this id. */
  static boolean exists(Sql sql, String id) {
    return sql.number("SELECT count(*) FROM spreadsheet WHERE id = ?", id) > 0;
  }

  /** Creates a spreadsheet without sheets. */
  static OpenSpreadsheet create(Sql sql, String id, ObjectNode properties) {
    sql.update("INSERT INTO spreadsheet (id, properties) VALUES (?, ?)", id, properties.toString());
    return new OpenSpreadsheet(sql, id, properties);
  }

  String id() {
    return id;
  }

  /** A copy of the API's {@code SpreadsheetProperties}. */
  ObjectNode properties() {
    return properties.deepCopy();
  }

  /** Stores other properties. */
  void save(ObjectNode changed) {
    sql.update("UPDATE spreadsheet SET properties = ? WHERE id = ?", changed.toString(), id);
    properties = changed.deepCopy();
  }

  SheetTable sheets() {
    return sheets;
  }

  RowTable rows() {
    return rows;
  }

  Layout layout() {
    return layout;
  }

  /**
   * The cells of a request's {@code GridRange}.
   *
   * @throws SheetsException when its start or a closed end lies outside the grid
   */
  Place grid(JsonNode json) {
    Sheet sheet = sheet(json);
    GridRange asked = GridRange.fromJson(json);
    if (!asked.endsInside(sheet.rowCount(), sheet.columnCount())
        || !asked.startsInside(sheet.rowCount(), sheet.columnCount())) {
      throw sheet.exceedsGrid(asked);
    }
    return new Place(sheet, sheet.clip(asked));
  }

  /**
   * The sheet of a request in a batch.
   *
   * @param place the object with the {@code sheetId}; a missing id means 0, as in Google's JSON
   */
  Sheet sheet(JsonNode place) {
    int sheetId = place.path("sheetId").asInt();
    return sheets
        .withId(sheetId)
        .orElseThrow(() -> SheetsException.invalid("No grid with id: " + sheetId));
  }

  /**
   * The cells of a range in A1 notation.
   *
   * @throws SheetsException when the range cannot be parsed, names no sheet, or starts beyond the
   *     grid
   */
  Place place(String a1) {
    int bang = a1.lastIndexOf('!');
    Optional<Place> named = namedRange(a1.substring(bang + 1));
    if (bang >= 0 && named.isPresent()) {
      return named.get(); // wherever it is: names are unique within a spreadsheet
    }
    A1Range range = A1Range.parse(a1);
    return (range.sheetTitle() == null
            ? Optional.of(sheets.first())
            : sheets.withTitle(range.sheetTitle()))
        .map(sheet -> place(sheet, range))
        .or(() -> named)
        .orElseThrow(() -> A1Range.unparsable(a1));
  }

  private Optional<Place> namedRange(String name) {
    for (JsonNode range : layout.namedRanges()) {
      if (range.path("name").asText().equalsIgnoreCase(name)) {
        JsonNode cells = range.path("range");
        return Optional.of(new Place(sheet(cells), GridRange.fromJson(cells)));
      }
    }
    return Optional.empty();
  }

  private static Place place(Sheet sheet, A1Range range) {
    if (!range.cells().startsInside(sheet.rowCount(), sheet.columnCount())) {
      throw sheet.exceedsGrid(range.cells());
    }
    return new Place(sheet, range.cells());
  }

  /**
   * A range on a sheet.
   *
   * @param asked the range in the request: it starts on the grid and may end beyond it
   */
  record Place(Sheet sheet, GridRange asked) {
    /** The part on the grid; never empty. */
    GridRange clipped() {
      return sheet.clip(asked);
    }

    /** The part on the grid, in A1 notation. */
    String a1() {
      return A1Range.format(sheet.title(), clipped());
    }
  }
}
