package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BinaryOperator;

/** A rectangle of cells copied from a sheet; blank rows use no memory. */
final class CellBlock {
  private final SortedMap<Integer, ArrayNode> rows = new TreeMap<>();
  private final int height;
  private final int width;

  private CellBlock(int height, int width) {
    this.height = height;
    this.width = width;
  }

  /** Copies the cells of a closed range. */
  static CellBlock read(RowTable table, Sheet sheet, GridRange range) {
    CellBlock block = new CellBlock(range.rows(), range.columns());
    table.scan(
        sheet,
        range.startRow(),
        range.endRow(),
        (row, cells) -> {
          ArrayNode slice = Json.array();
          for (int column = range.startColumn();
              column < Math.min(range.endColumn(), cells.size());
              column++) {
            slice.add(cells.get(column));
          }
          block.rows.put(row - range.startRow(), slice);
        });
    return block;
  }

  /** A block of blank cells. */
  static CellBlock blank(int height, int width) {
    return new CellBlock(height, width);
  }

  int height() {
    return height;
  }

  int width() {
    return width;
  }

  /** The number of rows up to the last row that is not blank. */
  int usedRows() {
    return rows.entrySet().stream()
        .filter(row -> used(row.getValue()) > 0)
        .mapToInt(row -> row.getKey() + 1)
        .max()
        .orElse(0);
  }

  /** The number of columns up to the last column that is not blank. */
  int usedColumns() {
    return rows.values().stream().mapToInt(CellBlock::used).max().orElse(0);
  }

  private static int used(ArrayNode cells) {
    int end = cells.size();
    while (end > 0 && cells.get(end - 1).isNull()) {
      end--;
    }
    return end;
  }

  /** The cell; blank where none is stored. */
  JsonNode at(int row, int column) {
    ArrayNode cells = rows.get(row);
    return cells == null ? Cell.BLANK : RowTable.cell(cells, column);
  }

  /** The transposed block. */
  CellBlock transposed() {
    CellBlock turned = new CellBlock(width, height);
    rows.forEach((row, cells) -> {
      for (int column = 0; column < cells.size(); column++) {
        RowTable.setCell(
            turned.rows.computeIfAbsent(column, absent -> Json.array()), row, cells.get(column));
      }
    });
    return turned;
  }

  /** Writes the cells over the existing ones. */
  void write(RowTable table, Sheet sheet, int startRow, int startColumn) {
    write(table, sheet, startRow, startColumn, (old, mine) -> mine);
  }

  /**
   * Writes the cells.
   *
   * @param merge makes the new cell from the existing one and the one of this block
   */
  void write(
      RowTable table, Sheet sheet, int startRow, int startColumn, BinaryOperator<JsonNode> merge) {
    for (int row = 0; row < height; row++) {
      ArrayNode cells = table.get(sheet, startRow + row);
      if (!cells.isEmpty() || rows.containsKey(row)) {
        for (int i = 0; i < width; i++) {
          int column = startColumn + i;
          RowTable.setCell(cells, column, merge.apply(RowTable.cell(cells, column), at(row, i)));
        }
        table.put(sheet, startRow + row, cells);
      }
    }
  }
}
