package dev.llmproxy.workbook;

import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.AppendCellsRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.ExtendedValue;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.Sha256;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The sheets that this product keeps in the workbook, and the requests that make those that are
 * missing.
 */
public final class WorkbookSchema {
  /** The hidden sheet that holds, for each ledger, how far its records have been written. */
  public static final String SYNC_TITLE = "_sync";

  /** Columns of {@link #SYNC_TITLE}. */
  public static final List<String> SYNC_HEADERS = List.of("Ledger", "Sequence", "Written At");

  private static final int HEX = 16;
  private static final int INT_DIGITS = 8;

  private volatile boolean prepared;

  /** Whether the sheets are known to be there. */
  public boolean prepared() {
    return prepared;
  }

  /** To be called when they are there, or with false when a call says that one is not. */
  public void setPrepared(boolean prepared) {
    this.prepared = prepared;
  }

  /**
   * What makes the sheets that are missing, with their headers.
   *
   * @param spreadsheet with at least the titles of its sheets
   * @return null when nothing is missing
   */
  public BatchUpdateSpreadsheetRequest missingSheets(Spreadsheet spreadsheet) {
    Set<String> titles = new HashSet<>();
    spreadsheet.getSheets().forEach(sheet -> titles.add(sheet.getProperties().getTitle()));
    List<Request> requests = new ArrayList<>();
    if (!titles.contains(ApiKeySheet.TITLE)) {
      requests.addAll(newSheet(ApiKeySheet.TITLE, ApiKeySheet.HEADERS, false));
    }
    if (!titles.contains(SYNC_TITLE)) {
      requests.addAll(newSheet(SYNC_TITLE, SYNC_HEADERS, true));
    }
    return requests.isEmpty() ? null : new BatchUpdateSpreadsheetRequest().setRequests(requests);
  }

  /**
   * What a flush reads before it writes: the keys and the checkpoints, in the order that {@code
   * UsageFlush} expects.
   */
  public List<String> commitRanges() {
    return List.of(ApiKeySheet.TITLE + "!A1:Z", SYNC_TITLE + "!A1:C");
  }

  /**
   * Adds a sheet of one row, which is its header: every empty cell counts towards Google's limit.
   */
  public static List<Request> newSheet(String title, List<String> headers, boolean hidden) {
    int id = sheetId(title);
    SheetProperties properties =
        new SheetProperties()
            .setSheetId(id)
            .setTitle(title)
            .setHidden(hidden)
            .setGridProperties(
                new GridProperties()
                    .setRowCount(1)
                    .setColumnCount(headers.size())
                    .setFrozenRowCount(0));
    return List.of(
        new Request().setAddSheet(new AddSheetRequest().setProperties(properties)),
        appendRows(id, List.of(row(headers.stream().map(WorkbookSchema::text).toList()))));
  }

  /** Appends rows below what a sheet holds. */
  public static Request appendRows(int sheetId, List<RowData> rows) {
    return new Request()
        .setAppendCells(
            new AppendCellsRequest()
                .setSheetId(sheetId)
                .setRows(rows)
                .setFields("userEnteredValue"));
  }

  /** A row of cells. */
  public static RowData row(List<CellData> cells) {
    return new RowData().setValues(cells);
  }

  /** A cell that shows this very text, whatever it looks like: it is never taken for a formula. */
  public static CellData text(String text) {
    return new CellData().setUserEnteredValue(new ExtendedValue().setStringValue(text));
  }

  /** A number, or an empty cell for null. */
  public static CellData number(Number number) {
    return number == null
        ? new CellData()
        : new CellData()
            .setUserEnteredValue(new ExtendedValue().setNumberValue(number.doubleValue()));
  }

  /**
   * A sheet's id follows from the title it is made with, so that a repeated request cannot make it
   * twice.
   */
  public static int sheetId(String title) {
    int id = Integer.parseUnsignedInt(Sha256.hex(title), 0, INT_DIGITS, HEX) & Integer.MAX_VALUE;
    // 0 is the sheet that Google makes with a spreadsheet.
    return id == 0 ? 1 : id;
  }
}
