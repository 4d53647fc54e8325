package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import dev.llmproxy.keys.KeyStatus;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.TierSheet;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The changes of the column Status of a sheet. Text that people have written stays unchanged. */
final class StatusCells {
  private StatusCells() {}

  /**
   * Writes the changed cells.
   *
   * @param column the zero-based column of Status
   * @param changes the new texts by row number; a row below the last one is added
   */
  static List<Request> write(SheetProperties sheet, int column, Map<Integer, String> changes) {
    List<Request> requests = new ArrayList<>();
    changes.forEach((row, text) -> {
      if (sheet.getGridProperties().getRowCount() < row) {
        requests.add(WorkbookSchema.appendEmptyRow(sheet.getSheetId()));
      }
      CellData cell = text.isEmpty() ? new CellData() : WorkbookSchema.text(text);
      requests.add(WorkbookSchema.updateCells(sheet.getSheetId(), row - 1, column, List.of(cell)));
    });
    return requests;
  }

  /**
   * The changes of the sheet {@code Tiers}: its Status, and its content when somebody has emptied
   * it.
   *
   * @param values the cells of the sheet
   */
  static List<Request> ofTiers(
      SheetProperties properties, List<List<Object>> values, Tiers tiers, Instant now) {
    TierSheet sheet = new TierSheet(values);
    GridProperties grid = properties.getGridProperties();
    if (values.isEmpty()) {
      return grid.getColumnCount() < TierSheet.HEADERS.size()
          ? List.of()
          : WorkbookSchema.content(properties.getSheetId(), TierSheet.HEADERS, tiers.rows());
    }
    Map<Integer, String> statuses = new LinkedHashMap<>();
    sheet.rows().forEach(row -> statuses.put(row.number(), row.status()));
    Map<Integer, String> changes = KeyStatus.changes(statuses, tiers.problemsIn(values), now);
    if (changes.isEmpty()) {
      return List.of();
    }
    int column = sheet.column(TierSheet.STATUS);
    return column < 0
        ? WorkbookSchema.insertColumn(
            properties.getSheetId(), sheet.width(), grid, TierSheet.STATUS)
        : write(properties, column, changes);
  }
}
