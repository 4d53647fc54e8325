package dev.llmproxy.workbook;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.ExtendedValue;
import com.google.api.services.sheets.v4.model.GridCoordinate;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.UpdateCellsRequest;
import dev.llmproxy.gate.ApiKey;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Reads and changes the sheet {@code User API Keys} for the command line, while the server runs or
 * not.
 */
public final class ApiKeyBook {
  private final Workbook workbook;
  private final Sheets client;

  public ApiKeyBook(Workbook workbook) {
    this.workbook = workbook;
    this.client = workbook.client();
  }

  /**
   * The keys, in the order of the sheet; blank rows are left out.
   *
   * @throws WorkbookException when the workbook cannot be read
   */
  public List<ApiKeyRow> rows() {
    prepare();
    return read().rows().stream().filter(row -> !row.apiKey().isBlank()).toList();
  }

  /**
   * Adds a key, of which only the mask and the hash are kept.
   *
   * @param createdAt ISO-8601 UTC
   * @throws WorkbookException when the workbook cannot be changed
   */
  public void add(String key, String email, String keyName, String tier, String createdAt) {
    int sheetId = prepare();
    ApiKeySheet sheet = read();
    CellData[] cells = new CellData[sheet.width()];
    Arrays.setAll(cells, column -> new CellData());
    Map.of(
            ApiKeySheet.API_KEY, WorkbookSchema.text(ApiKey.cell(key)),
            ApiKeySheet.USER_EMAIL, WorkbookSchema.text(email),
            ApiKeySheet.KEY_NAME, WorkbookSchema.text(keyName),
            ApiKeySheet.TIER, WorkbookSchema.text(tier),
            ApiKeySheet.CREATED_AT, WorkbookSchema.text(createdAt),
            ApiKeySheet.REQUESTS, WorkbookSchema.number(0),
            ApiKeySheet.TOKENS, WorkbookSchema.number(0),
            ApiKeySheet.REVOKED, bool(false))
        .forEach((header, cell) -> {
          if (sheet.column(header) >= 0) {
            cells[sheet.column(header)] = cell;
          }
        });
    send(WorkbookSchema.appendRows(sheetId, List.of(WorkbookSchema.row(List.of(cells)))));
  }

  /**
   * Marks a key as revoked.
   *
   * @param row as {@link #rows} gave it
   * @throws WorkbookException when the workbook cannot be changed
   */
  public void revoke(ApiKeyRow row) {
    GridCoordinate cell =
        new GridCoordinate()
            .setSheetId(prepare())
            .setRowIndex(row.number() - 1)
            .setColumnIndex(read().column(ApiKeySheet.REVOKED));
    send(
        new Request()
            .setUpdateCells(
                new UpdateCellsRequest()
                    .setStart(cell)
                    .setRows(List.of(WorkbookSchema.row(List.of(bool(true)))))
                    .setFields("userEnteredValue")));
  }

  /** Makes the sheet if it is missing; returns its id. */
  private int prepare() {
    BatchUpdateSpreadsheetRequest missing = new WorkbookSchema().missingSheets(spreadsheet());
    if (missing != null) {
      update(missing);
    }
    for (Sheet sheet : spreadsheet().getSheets()) {
      if (sheet.getProperties().getTitle().equals(ApiKeySheet.TITLE)) {
        return sheet.getProperties().getSheetId();
      }
    }
    throw new WorkbookException("The sheet \"" + ApiKeySheet.TITLE + "\" could not be made.");
  }

  private Spreadsheet spreadsheet() {
    try {
      return client
          .spreadsheets()
          .get(workbook.spreadsheetId())
          .setFields("sheets.properties(sheetId,title)")
          .execute();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private ApiKeySheet read() {
    try {
      List<List<Object>> values =
          client
              .spreadsheets()
              .values()
              .get(workbook.spreadsheetId(), ApiKeySheet.TITLE + "!A1:Z")
              .setValueRenderOption("UNFORMATTED_VALUE")
              .execute()
              .getValues();
      return new ApiKeySheet(values == null ? List.of() : values);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private void send(Request request) {
    update(new BatchUpdateSpreadsheetRequest().setRequests(List.of(request)));
  }

  private void update(BatchUpdateSpreadsheetRequest requests) {
    try {
      client.spreadsheets().batchUpdate(workbook.spreadsheetId(), requests).execute();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private WorkbookException failed(IOException e) {
    return new WorkbookException(
        "The workbook at " + workbook.rootUrl() + " cannot be used: " + e.getMessage(), e);
  }

  private static CellData bool(boolean value) {
    return new CellData().setUserEnteredValue(new ExtendedValue().setBoolValue(value));
  }
}
