package dev.llmproxy.keys;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.AppendDimensionRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.ExtendedValue;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetMemory;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import dev.llmproxy.workbook.WorkbookSchema;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Reads and changes the sheet {@code User API Keys} for commands. Works with the server running or
 * stopped.
 */
public final class ApiKeyBook {
  // The number of columns that are read.
  private static final int MAX_COLUMNS = 26;

  private final Workbook workbook;
  private final Sheets client;
  private final WorkbookSchema schema;

  /** Finds the sheet by the product's id or its title. */
  public ApiKeyBook(Workbook workbook) {
    this(workbook, SheetMemory.NONE);
  }

  /**
   * @param memory the ids of sheets that the server has found before, so that a renamed sheet is
   *     found too
   */
  public ApiKeyBook(Workbook workbook, SheetMemory memory) {
    this.workbook = workbook;
    this.client = workbook.client();
    this.schema = new WorkbookSchema(workbook.spreadsheetId(), memory);
  }

  /**
   * The rows with a key, in the order of the sheet.
   *
   * @throws WorkbookException when the workbook cannot be read
   */
  public List<ApiKeyRow> rows() {
    prepare();
    return read().rows().stream().filter(row -> !row.apiKey().isBlank()).toList();
  }

  /**
   * Adds a key that never expires. The sheet gets only its masked form and hash.
   *
   * @param createdAt ISO-8601 UTC
   * @throws WorkbookException when the workbook cannot be changed
   */
  public void add(String key, String email, String keyName, String tier, String createdAt) {
    add(key, email, keyName, tier, createdAt, "");
  }

  /**
   * Adds a key. The sheet gets only its masked form and hash.
   *
   * @param createdAt ISO-8601 UTC
   * @param expiresAt an ISO-8601 date or date-time, empty for never; the column is added when it is
   *     missing
   * @throws WorkbookException when the workbook cannot be changed
   */
  public void add(
      String key, String email, String keyName, String tier, String createdAt, String expiresAt) {
    SheetProperties properties = prepare();
    int sheetId = properties.getSheetId();
    ApiKeySheet sheet = read();
    List<Request> requests = new ArrayList<>();
    int expires = sheet.column(ApiKeySheet.EXPIRES_AT);
    int width = sheet.width();
    if (!expiresAt.isEmpty() && expires < 0) {
      expires = width++;
      requests.addAll(newColumn(properties, expires));
    }
    CellData[] cells = new CellData[width];
    Arrays.setAll(cells, column -> new CellData());
    if (!expiresAt.isEmpty()) {
      cells[expires] = WorkbookSchema.text(expiresAt);
    }
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
    requests.add(WorkbookSchema.appendRows(sheetId, List.of(WorkbookSchema.row(List.of(cells)))));
    send(requests);
  }

  /**
   * Marks a key as revoked in each row that has it, even if rows have been moved.
   *
   * @param row a row of {@link #rows} with a valid key
   * @throws WorkbookException when the workbook cannot be changed, or no row has the key any more
   */
  public void revoke(ApiKeyRow row) {
    int sheetId = prepare().getSheetId();
    String hash = ApiKey.hashOfCell(row.apiKey()).orElseThrow();
    ApiKeySheet sheet = read();
    List<Request> marks =
        sheet.rows().stream()
            .filter(each -> ApiKey.hashOfCell(each.apiKey()).filter(hash::equals).isPresent())
            .map(each ->
                WorkbookSchema.updateCells(
                    sheetId,
                    each.number() - 1,
                    sheet.column(ApiKeySheet.REVOKED),
                    List.of(bool(true))))
            .toList();
    if (marks.isEmpty()) {
      throw new WorkbookException("The key's row has just been deleted from the sheet.");
    }
    send(marks);
  }

  private static List<Request> newColumn(SheetProperties sheet, int column) {
    if (column >= MAX_COLUMNS) {
      throw new WorkbookException(
          "The sheet \"%s\" has no room for a column \"%s\"; delete another column."
              .formatted(ApiKeySheet.TITLE, ApiKeySheet.EXPIRES_AT));
    }
    Request header =
        WorkbookSchema.updateCells(
            sheet.getSheetId(), 0, column, List.of(WorkbookSchema.text(ApiKeySheet.EXPIRES_AT)));
    if (column < sheet.getGridProperties().getColumnCount()) {
      return List.of(header);
    }
    return List.of(
        new Request()
            .setAppendDimension(
                new AppendDimensionRequest()
                    .setSheetId(sheet.getSheetId())
                    .setDimension("COLUMNS")
                    .setLength(1)),
        header);
  }

  /** Adds the sheet if it is missing. */
  private SheetProperties prepare() {
    String id = workbook.spreadsheetId();
    BatchUpdateSpreadsheetRequest missing = schema.missingSheets(id, spreadsheet());
    if (missing != null) {
      try {
        update(missing);
      } catch (WorkbookException e) {
        // Meanwhile the server may have added the missing sheets.
        if (schema.missingSheets(id, spreadsheet()) != null) {
          throw e;
        }
      }
      schema.missingSheets(id, spreadsheet());
    }
    return schema.keysSheet();
  }

  private Spreadsheet spreadsheet() {
    try {
      return client
          .spreadsheets()
          .get(workbook.spreadsheetId())
          .setFields("sheets.properties(sheetId,title,gridProperties)")
          .execute();
    } catch (IOException e) {
      throw workbook.failed(e);
    }
  }

  private ApiKeySheet read() {
    try {
      List<List<Object>> values =
          client
              .spreadsheets()
              .values()
              .get(workbook.spreadsheetId(), schema.keysRange())
              .setValueRenderOption("UNFORMATTED_VALUE")
              .execute()
              .getValues();
      return new ApiKeySheet(values == null ? List.of() : values);
    } catch (IOException e) {
      throw workbook.failed(e);
    }
  }

  private void send(List<Request> requests) {
    update(new BatchUpdateSpreadsheetRequest().setRequests(requests));
  }

  private void update(BatchUpdateSpreadsheetRequest requests) {
    try {
      client.spreadsheets().batchUpdate(workbook.spreadsheetId(), requests).execute();
    } catch (IOException e) {
      throw workbook.failed(e);
    }
  }

  private static CellData bool(boolean value) {
    return new CellData().setUserEnteredValue(new ExtendedValue().setBoolValue(value));
  }
}
