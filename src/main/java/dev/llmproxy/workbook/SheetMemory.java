package dev.llmproxy.workbook;

import java.util.Map;

/** Remembers which sheet is which, so that renaming one does not lose it. */
public interface SheetMemory {
  /** Remembers nothing, for those who look only once. */
  SheetMemory NONE =
      new SheetMemory() {
        @Override
        public Map<String, Integer> sheetIds(String spreadsheetId) {
          return Map.of();
        }

        @Override
        public void remember(String spreadsheetId, String title, int sheetId) {}
      };

  /** The title that this product gave or found → the sheet's id, for one spreadsheet. */
  Map<String, Integer> sheetIds(String spreadsheetId);

  /** Notes that this sheet is the one that was called {@code title} when it was made or found. */
  void remember(String spreadsheetId, String title, int sheetId);
}
