package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import java.util.Optional;

/**
 * Finds the table of {@code values.append}: the last block of adjacent cells in a range, with the
 * cells outside the range that are adjacent to it.
 */
final class TableFinder {
  private final RowTable rows;

  TableFinder(RowTable rows) {
    this.rows = rows;
  }

  /** The smallest rectangle around the table; empty when the range is blank. */
  Optional<GridRange> find(Place place) {
    GridRange range = place.clipped();
    Sheet sheet = place.sheet();
    int last =
        rows.lastRowWithValue(
            sheet, range.startRow(), range.endRow(), range.startColumn(), range.endColumn());
    if (last < 0) {
      return Optional.empty();
    }
    GridRange table = lastCell(rows.get(sheet, last), last, range);
    GridRange grown = grow(sheet, table);
    while (!grown.equals(table)) {
      table = grown;
      grown = grow(sheet, table);
    }
    return Optional.of(table);
  }

  private static GridRange lastCell(ArrayNode cells, int row, GridRange range) {
    int column = Math.min(range.endColumn(), cells.size()) - 1;
    while (Cell.isBlank(cells.get(column))) {
      column--;
    }
    return GridRange.sized(row, column, 1, 1);
  }

  private GridRange grow(Sheet sheet, GridRange table) {
    GridRange wider = widen(sheet, table);
    int top = wider.startRow();
    while (top > 0 && touches(sheet, top - 1, wider)) {
      top--;
    }
    int end = wider.endRow();
    while (end < sheet.rowCount() && touches(sheet, end, wider)) {
      end++;
    }
    return new GridRange(top, end, wider.startColumn(), wider.endColumn());
  }

  /** Adds the columns beside the table, up to the first gap in each of its rows. */
  private GridRange widen(Sheet sheet, GridRange table) {
    int[] columns = {table.startColumn(), table.endColumn()};
    rows.scan(
        sheet,
        table.startRow(),
        table.endRow(),
        (row, cells) -> {
          while (columns[0] > 0 && RowTable.hasValue(cells, columns[0] - 1, columns[0])) {
            columns[0]--;
          }
          while (RowTable.hasValue(cells, columns[1], columns[1] + 1)) {
            columns[1]++;
          }
        });
    return new GridRange(table.startRow(), table.endRow(), columns[0], columns[1]);
  }

  private boolean touches(Sheet sheet, int row, GridRange table) {
    // One more column on each side, because cells that touch only at a corner are adjacent too.
    int start = Math.max(0, table.startColumn() - 1);
    return RowTable.hasValue(rows.get(sheet, row), start, table.endColumn() + 1);
  }
}
