package dev.llmproxy.workbook;

import java.util.Map;

/** Stores the ids of sheets, so that a renamed sheet is still found. */
public interface SheetMemory {
  /** Stores nothing, for a single look. */
  SheetMemory NONE =
      new SheetMemory() {
        @Override
        public Map<String, Integer> sheetIds(String spreadsheetId) {
          return Map.of();
        }

        @Override
        public void remember(String spreadsheetId, String title, int sheetId) {}
      };

  /** Maps the server's names for sheets to the sheets' ids, for one spreadsheet. */
  Map<String, Integer> sheetIds(String spreadsheetId);

  /** Stores the id of the sheet that was called {@code title} when it was created or found. */
  void remember(String spreadsheetId, String title, int sheetId);
}
