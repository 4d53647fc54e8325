package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * The rows of all sheets. A row is an array of {@link Cell}s without trailing blanks; a blank row
 * is not stored. Row indexes count from 0, ends are excluded.
 */
final class RowTable {
  /** The number of rows in memory at a time while many rows are read or changed. */
  private static final int PAGE = 500;

  private final Sql sql;

  RowTable(Sql sql) {
    this.sql = sql;
  }

  /** Gets one stored row. */
  @FunctionalInterface
  interface Visitor {
    void visit(int row, ArrayNode cells);
  }

  /** Visits the stored rows in order. The visitor may write to the table. */
  void scan(Sheet sheet, int startRow, int endRow, Visitor visitor) {
    int next = startRow;
    List<Map.Entry<Integer, ArrayNode>> page;
    do {
      page = page(sheet, next, endRow);
      for (Map.Entry<Integer, ArrayNode> row : page) {
        visitor.visit(row.getKey(), row.getValue());
        next = row.getKey() + 1;
      }
    } while (page.size() == PAGE);
  }

  private List<Map.Entry<Integer, ArrayNode>> page(Sheet sheet, int startRow, int endRow) {
    return sql.list(
        """
        SELECT row_index, cells FROM grid_row
        WHERE sheet_key = ? AND row_index >= ? AND row_index < ?
        ORDER BY row_index LIMIT ?\
        """,
        row -> Map.entry(row.getInt(1), Json.readArray(row.getString(2))),
        sheet.key(),
        startRow,
        endRow,
        PAGE);
  }

  /** One row; empty when it is blank. The caller may change it and {@link #put} it back. */
  ArrayNode get(Sheet sheet, int row) {
    return sql.first(
            "SELECT cells FROM grid_row WHERE sheet_key = ? AND row_index = ?",
            result -> Json.readArray(result.getString(1)),
            sheet.key(),
            row)
        .orElseGet(Json::array);
  }

  /** Stores a row over the existing one. */
  void put(Sheet sheet, int row, ArrayNode cells) {
    while (!cells.isEmpty() && cells.get(cells.size() - 1).isNull()) {
      cells.remove(cells.size() - 1);
    }
    if (cells.isEmpty()) {
      delete(sheet, row, row + 1);
    } else {
      sql.update(
          "INSERT OR REPLACE INTO grid_row (sheet_key, row_index, cells) VALUES (?, ?, ?)",
          sheet.key(),
          row,
          cells.toString());
    }
  }

  /** Replaces each stored row by the result of a function. */
  void replaceAll(Sheet sheet, int startRow, int endRow, UnaryOperator<ArrayNode> change) {
    scan(sheet, startRow, endRow, (row, cells) -> put(sheet, row, change.apply(cells)));
  }

  void delete(Sheet sheet, int startRow, int endRow) {
    sql.update(
        "DELETE FROM grid_row WHERE sheet_key = ? AND row_index >= ? AND row_index < ?",
        sheet.key(),
        startRow,
        endRow);
  }

  /** Moves all rows from {@code startRow} down by a number of rows; up when it is negative. */
  void shift(Sheet sheet, int startRow, int by) {
    // First to negative indexes: otherwise a moved row would collide with one not yet moved.
    sql.update(
        "UPDATE grid_row SET row_index = -1 - (row_index + ?)"
            + " WHERE sheet_key = ? AND row_index >= ?",
        by,
        sheet.key(),
        startRow);
    sql.update(
        "UPDATE grid_row SET row_index = -1 - row_index WHERE sheet_key = ? AND row_index < 0",
        sheet.key());
  }

  /** Moves rows to before a destination; the rows between them and it move the other way. */
  void move(Sheet sheet, int startRow, int endRow, int destination) {
    int low = Math.min(startRow, destination);
    int high = Math.max(endRow, destination);
    int length = endRow - startRow;
    boolean down = destination > startRow;
    // First to negative indexes, as in shift.
    sql.update(
        """
        UPDATE grid_row SET row_index =
          -1 - (CASE WHEN row_index >= ? AND row_index < ? THEN row_index + ? ELSE row_index + ? END)
        WHERE sheet_key = ? AND row_index >= ? AND row_index < ?\
        """,
        startRow,
        endRow,
        down ? destination - length - startRow : destination - startRow,
        down ? -length : length,
        sheet.key(),
        low,
        high);
    sql.update(
        "UPDATE grid_row SET row_index = -1 - row_index WHERE sheet_key = ? AND row_index < 0",
        sheet.key());
  }

  /** Copies all rows of a sheet to a sheet without rows. */
  void copyAll(Sheet from, Sheet to) {
    sql.update(
        "INSERT INTO grid_row (sheet_key, row_index, cells)"
            + " SELECT ?, row_index, cells FROM grid_row WHERE sheet_key = ?",
        to.key(),
        from.key());
  }

  /** The last row before {@code endRow} with a value between two columns; -1 for none. */
  int lastRowWithValue(Sheet sheet, int startRow, int endRow, int startColumn, int endColumn) {
    int before = endRow;
    while (before > startRow) {
      var row =
          sql.first(
              """
              SELECT row_index, cells FROM grid_row
              WHERE sheet_key = ? AND row_index >= ? AND row_index < ?
              ORDER BY row_index DESC LIMIT 1\
              """,
              result -> Map.entry(result.getInt(1), Json.readArray(result.getString(2))),
              sheet.key(),
              startRow,
              before);
      if (row.isEmpty() || hasValue(row.get().getValue(), startColumn, endColumn)) {
        return row.map(Map.Entry::getKey).orElse(-1);
      }
      before = row.get().getKey();
    }
    return -1;
  }

  /** Whether a row has a value between two columns. */
  static boolean hasValue(ArrayNode cells, int startColumn, int endColumn) {
    for (int column = startColumn; column < Math.min(endColumn, cells.size()); column++) {
      if (!Cell.isBlank(cells.get(column))) {
        return true;
      }
    }
    return false;
  }

  /** A cell of a row; blank beyond its end. */
  static JsonNode cell(ArrayNode cells, int column) {
    return column < cells.size() ? cells.get(column) : Cell.BLANK;
  }

  /** Sets a cell of a row, which grows as needed. */
  static void setCell(ArrayNode cells, int column, JsonNode cell) {
    while (cells.size() <= column) {
      cells.addNull();
    }
    cells.set(column, cell);
  }
}
