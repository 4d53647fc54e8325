package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The sheets of one spreadsheet and their rules: titles and ids are unique, at least one sheet is
 * visible, and the grids stay within Google's limit of cells.
 */
final class SheetTable {
  private static final long MAX_CELLS = 10_000_000;
  private static final int MAX_TITLE_CHARACTERS = 100;
  private static final int DEFAULT_ROWS = 1000;
  private static final int DEFAULT_COLUMNS = 26;
  private static final int MAX_COLUMNS = 18_278; // column ZZZ
  private static final String SELECT = "SELECT key, position, properties FROM sheet ";

  private final Sql sql;
  private final String spreadsheetId;

  SheetTable(Sql sql, String spreadsheetId) {
    this.sql = sql;
    this.spreadsheetId = spreadsheetId;
  }

  /** All sheets in the order of their tabs. */
  List<Sheet> all() {
    return sql.list(
        SELECT + "WHERE spreadsheet_id = ? ORDER BY position", SheetTable::read, spreadsheetId);
  }

  /** The sheet of a range without a title. */
  Sheet first() {
    return sql.first(
            SELECT + "WHERE spreadsheet_id = ? ORDER BY hidden, position LIMIT 1",
            SheetTable::read,
            spreadsheetId)
        .orElseThrow();
  }

  Optional<Sheet> withId(int sheetId) {
    return sql.first(
        SELECT + "WHERE spreadsheet_id = ? AND sheet_id = ?",
        SheetTable::read,
        spreadsheetId,
        sheetId);
  }

  /** Titles are compared without case, as Google does. */
  Optional<Sheet> withTitle(String title) {
    return sql.first(
        SELECT + "WHERE spreadsheet_id = ? AND title_key = ?",
        SheetTable::read,
        spreadsheetId,
        titleKey(title));
  }

  /**
   * Adds a sheet.
   *
   * @param wanted the API's {@code SheetProperties}; missing id, title, index and size get default
   *     values
   */
  Sheet add(ObjectNode wanted) {
    int count = count();
    int index = wanted.path("index").asInt(count);
    if (index < 0 || index > count) {
      throw SheetsException.invalid("Sheet index %d is out of bounds.".formatted(index));
    }
    ObjectNode properties = completed(wanted);
    int sheetId = properties.path("sheetId").asInt();
    if (sheetId < 0) {
      throw SheetsException.invalid("A sheet's id must not be negative: %d.".formatted(sheetId));
    }
    if (withId(sheetId).isPresent()) {
      throw SheetsException.invalid(
          "A sheet with the id %d already exists. Please use another id.".formatted(sheetId));
    }
    requireFreeTitle(properties.path("title").asText());
    sql.update(
        "UPDATE sheet SET position = position + 1 WHERE spreadsheet_id = ? AND position >= ?",
        spreadsheetId,
        index);
    sql.update(
        """
        INSERT INTO sheet
          (spreadsheet_id, sheet_id, title_key, position, grid_cells, hidden, properties)
        VALUES (?, ?, '', ?, 0, 0, '{}')\
        """,
        spreadsheetId,
        sheetId,
        index);
    Sheet sheet = withId(sheetId).orElseThrow();
    return save(sheet, properties);
  }

  /** Stores changed properties of a sheet, except its index. Returns its properties afterwards. */
  Sheet save(Sheet sheet, ObjectNode changed) {
    ObjectNode properties = changed.deepCopy();
    String title = properties.path("title").asText();
    if (!titleKey(title).equals(titleKey(sheet.title()))) {
      requireFreeTitle(title);
    }
    if (!properties.path("hidden").asBoolean()) {
      properties.remove("hidden");
    }
    long rows = properties.path("gridProperties").path("rowCount").asLong();
    long columns = properties.path("gridProperties").path("columnCount").asLong();
    checkGrid(properties.path("gridProperties"), rows, columns);
    sql.update(
        """
        UPDATE sheet SET title_key = ?, grid_cells = ?, hidden = ?, properties = ?
        WHERE key = ?\
        """,
        titleKey(title),
        rows * columns,
        properties.has("hidden") ? 1 : 0,
        properties.toString(),
        sheet.key());
    long before = (long) sheet.rowCount() * sheet.columnCount();
    if (rows * columns > before && gridCells() > MAX_CELLS) {
      throw SheetsException.invalid(
          "This action would increase the number of cells in the workbook above the limit of"
              + " 10000000 cells.");
    }
    requireVisible("You can't hide all the sheets in a document.");
    return withId(properties.path("sheetId").asInt()).orElseThrow();
  }

  /** Changes the size of a sheet's grid; rows outside it stay stored. */
  Sheet resize(Sheet sheet, Dimension dimension, int count) {
    ObjectNode properties = sheet.properties().deepCopy();
    properties.withObject("gridProperties").put(dimension.countField(), count);
    return save(sheet, properties);
  }

  /**
   * Moves a sheet's tab.
   *
   * @param index the new place in the order before the move, as Google counts: to move a sheet
   *     behind the next one, its own index + 2
   */
  Sheet move(Sheet sheet, int index) {
    int count = count();
    if (index < 0 || index > count) {
      throw SheetsException.invalid("Sheet index %d is out of bounds.".formatted(index));
    }
    int from = sheet.index();
    int to = index > from ? index - 1 : index;
    sql.update(
        "UPDATE sheet SET position = position - 1 WHERE spreadsheet_id = ? AND position > ?",
        spreadsheetId,
        from);
    sql.update(
        "UPDATE sheet SET position = position + 1 WHERE spreadsheet_id = ? AND position >= ?",
        spreadsheetId,
        to);
    sql.update("UPDATE sheet SET position = ? WHERE key = ?", to, sheet.key());
    return withId(sheet.sheetId()).orElseThrow();
  }

  /** Deletes a sheet; the caller must delete its rows first. */
  void delete(Sheet sheet) {
    sql.update("DELETE FROM sheet WHERE key = ?", sheet.key());
    sql.update(
        "UPDATE sheet SET position = position - 1 WHERE spreadsheet_id = ? AND position > ?",
        spreadsheetId,
        sheet.index());
    requireVisible("You can't remove all the visible sheets in a document.");
  }

  private int count() {
    return (int) sql.number("SELECT count(*) FROM sheet WHERE spreadsheet_id = ?", spreadsheetId);
  }

  private long gridCells() {
    return sql.number("SELECT sum(grid_cells) FROM sheet WHERE spreadsheet_id = ?", spreadsheetId);
  }

  private void requireVisible(String refusal) {
    if (sql.number(
            "SELECT count(*) FROM sheet WHERE spreadsheet_id = ? AND NOT hidden", spreadsheetId)
        == 0) {
      throw SheetsException.invalid(refusal);
    }
  }

  private void requireFreeTitle(String title) {
    if (title.isEmpty() || title.length() > MAX_TITLE_CHARACTERS) {
      throw SheetsException.invalid(
          "A sheet's name must have 1 to %d characters.".formatted(MAX_TITLE_CHARACTERS));
    }
    if (withTitle(title).isPresent()) {
      throw SheetsException.invalid(
          "A sheet with the name \"%s\" already exists. Please enter another name."
              .formatted(title));
    }
  }

  private ObjectNode completed(ObjectNode wanted) {
    if (!wanted.path("sheetType").asText("GRID").equals("GRID")) {
      throw SheetsException.invalid("Only sheets of type GRID can be added.");
    }
    ObjectNode properties = Json.object();
    JsonNode sheetId = wanted.path("sheetId");
    properties.put("sheetId", sheetId.isNumber() ? sheetId.asInt() : freeSheetId());
    properties.put(
        "title", wanted.hasNonNull("title") ? wanted.get("title").asText() : freeTitle());
    properties.put("index", 0);
    properties.put("sheetType", "GRID");
    ObjectNode grid = properties.putObject("gridProperties");
    grid.put("rowCount", DEFAULT_ROWS).put("columnCount", DEFAULT_COLUMNS);
    ObjectNode given = wanted.deepCopy();
    given.remove(List.of("sheetId", "title", "index", "sheetType"));
    if (given.remove("gridProperties") instanceof ObjectNode givenGrid) {
      grid.setAll(givenGrid);
    }
    properties.setAll(given);
    properties.properties().removeIf(field -> field.getValue().isNull());
    return properties;
  }

  private static void checkGrid(JsonNode grid, long rows, long columns) {
    if (rows < 1 || columns < 1 || columns > MAX_COLUMNS) {
      throw SheetsException.invalid(
          "A grid must have at least 1 row and 1 to %d columns, not %d and %d."
              .formatted(MAX_COLUMNS, rows, columns));
    }
    if (grid.path("frozenRowCount").asLong() >= rows) {
      throw SheetsException.invalid("You can't freeze all visible rows on the sheet.");
    }
    if (grid.path("frozenColumnCount").asLong() >= columns) {
      throw SheetsException.invalid("You can't freeze all visible columns on the sheet.");
    }
  }

  private int freeSheetId() {
    int sheetId = Ids.random();
    return withId(sheetId).isPresent() ? freeSheetId() : sheetId;
  }

  private String freeTitle() {
    int number = count() + 1;
    while (withTitle("Sheet" + number).isPresent()) {
      number++;
    }
    return "Sheet" + number;
  }

  /** An unused title for a copy of a sheet: {@code Copy of …}, with a number if needed. */
  String titleOfCopy(String title) {
    String copy = cut("Copy of " + title, 0);
    String free = copy;
    for (int number = 1; withTitle(free).isPresent(); number++) {
      String suffix = " " + number;
      free = cut(copy, suffix.length()) + suffix;
    }
    return free;
  }

  private static String cut(String title, int room) {
    return title.substring(0, Math.min(title.length(), MAX_TITLE_CHARACTERS - room));
  }

  private static String titleKey(String title) {
    return title.toLowerCase(Locale.ROOT);
  }

  private static Sheet read(ResultSet row) throws SQLException {
    ObjectNode properties = Json.readObject(row.getString("properties"));
    if (properties.has("index")) {
      properties.put("index", row.getInt("position")); // the column is the truth
    }
    return new Sheet(row.getLong("key"), properties);
  }
}
