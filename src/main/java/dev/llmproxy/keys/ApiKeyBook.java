package dev.llmproxy.keys;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.AppendDimensionRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.ExtendedValue;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetMemory;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import dev.llmproxy.workbook.WorkbookSchema;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Reads and changes the sheet {@code User API Keys} for commands. Works with the server running or
 * stopped.
 */
public final class ApiKeyBook {
  // The number of columns that are read.
  private static final int MAX_COLUMNS = 26;

  /** Columns that a copy of a key does not get. */
  private static final List<String> OF_ONE_KEY =
      List.of(
          ApiKeySheet.API_KEY,
          ApiKeySheet.CREATED_AT,
          ApiKeySheet.LAST_USED,
          ApiKeySheet.REQUESTS,
          ApiKeySheet.TOKENS,
          ApiKeySheet.REVOKED,
          ApiKeySheet.STATUS);

  private final Workbook workbook;
  private final Sheets client;
  private final WorkbookSchema schema;

  /** Finds the sheet by the product's id or its title. */
  public ApiKeyBook(Workbook workbook) {
    this(workbook, SheetMemory.NONE, Tiers::none);
  }

  /**
   * @param memory the ids of sheets that the server has found before, so that a renamed sheet is
   *     found too
   * @param tiers the rows of a new sheet {@code Tiers}
   */
  public ApiKeyBook(Workbook workbook, SheetMemory memory, Supplier<List<List<String>>> tiers) {
    this.workbook = workbook;
    this.client = workbook.client();
    this.schema = new WorkbookSchema(workbook.spreadsheetId(), memory, tiers);
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
      requests.addAll(newColumn(properties, expires, ApiKeySheet.EXPIRES_AT));
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
   * Adds a key with these cells, in one change with the end of an earlier key. The columns of
   * {@link ApiKeySheet} that are missing are added.
   *
   * @param cells texts by header; API Key is a cell in the form of {@link ApiKey#cell}
   * @param model the hash of the key whose other cells are copied, such as its limits; null for
   *     none
   * @param modelEnds when that key expires; null leaves it as it is
   * @throws WorkbookException when the workbook cannot be changed, or no row has that key any more
   */
  public void add(Map<String, String> cells, String model, Instant modelEnds) {
    SheetProperties properties = prepare();
    int sheetId = properties.getSheetId();
    ApiKeySheet sheet = read();
    List<Request> requests = new ArrayList<>();
    Set<String> needed = new LinkedHashSet<>(cells.keySet());
    if (modelEnds != null) {
      needed.add(ApiKeySheet.EXPIRES_AT);
    }
    Columns columns = new Columns(sheet, properties, requests);
    needed.forEach(columns::of);
    CellData[] row = new CellData[columns.width];
    Arrays.setAll(row, column -> new CellData());
    if (model != null) {
      ApiKeyRow copied = row(sheet, model);
      List<Object> values = sheet.cells(copied);
      for (int column = 0; column < values.size() && column < row.length; column++) {
        row[column] = cell(values.get(column));
      }
      for (String header : OF_ONE_KEY) {
        if (sheet.column(header) >= 0) {
          row[sheet.column(header)] = new CellData();
        }
      }
      if (modelEnds != null) {
        requests.add(
            WorkbookSchema.updateCells(
                sheetId,
                copied.number() - 1,
                columns.of(ApiKeySheet.EXPIRES_AT),
                List.of(WorkbookSchema.text(modelEnds.toString()))));
      }
    }
    cells.forEach((header, text) -> row[columns.of(header)] = WorkbookSchema.text(text));
    startCounting(sheet, row);
    requests.add(WorkbookSchema.appendRows(sheetId, List.of(WorkbookSchema.row(List.of(row)))));
    send(requests);
  }

  /**
   * Adds keys in one change, at the end of the sheet. Those that the sheet has already are left
   * alone. The columns of {@link ApiKeySheet} that are missing are added.
   *
   * @param rows texts by header; API Key is a cell in the form of {@link ApiKey#cell}
   * @return the number of keys that were added
   * @throws WorkbookException when the workbook cannot be changed
   */
  public int addMissing(List<Map<String, String>> rows) {
    SheetProperties properties = prepare();
    ApiKeySheet sheet = read();
    Set<String> there = new LinkedHashSet<>();
    sheet.rows().forEach(row -> ApiKey.hashOfCell(row.apiKey()).ifPresent(there::add));
    List<Map<String, String>> missing =
        rows.stream()
            .filter(row -> there.add(ApiKey.hashOfCell(row.get(ApiKeySheet.API_KEY)).orElseThrow()))
            .toList();
    if (missing.isEmpty()) {
      return 0;
    }
    List<Request> requests = new ArrayList<>();
    Columns columns = new Columns(sheet, properties, requests);
    missing.forEach(row -> row.keySet().forEach(columns::of));
    List<RowData> added = new ArrayList<>();
    for (Map<String, String> cells : missing) {
      CellData[] row = new CellData[columns.width];
      Arrays.setAll(row, column -> new CellData());
      cells.forEach((header, text) -> row[columns.of(header)] = WorkbookSchema.text(text));
      startCounting(sheet, row);
      added.add(WorkbookSchema.row(List.of(row)));
    }
    requests.add(WorkbookSchema.appendRows(properties.getSheetId(), added));
    send(requests);
    return missing.size();
  }

  /** A new key has no requests yet and is not revoked. */
  private static void startCounting(ApiKeySheet sheet, CellData[] row) {
    for (String header : List.of(ApiKeySheet.REQUESTS, ApiKeySheet.TOKENS)) {
      if (sheet.column(header) >= 0) {
        row[sheet.column(header)] = WorkbookSchema.number(0);
      }
    }
    row[sheet.column(ApiKeySheet.REVOKED)] = bool(false);
  }

  /**
   * Changes cells of a key's row, even if rows have been moved.
   *
   * @param row a row of {@link #rows} with a valid key
   * @param expected the cells' texts by header, as the person saw them who changes them
   * @param cells the new texts by header
   * @throws ConflictException when a cell has another text than expected
   * @throws WorkbookException when the workbook cannot be changed, or no row has the key any more
   */
  public void change(ApiKeyRow row, Map<String, String> expected, Map<String, String> cells) {
    SheetProperties properties = prepare();
    ApiKeySheet sheet = read();
    ApiKeyRow now = row(sheet, ApiKey.hashOfCell(row.apiKey()).orElseThrow());
    expected.forEach((header, text) -> {
      if (!text(now, header).equals(text)) {
        throw new ConflictException(
            "%s is \"%s\" in the sheet now".formatted(header, text(now, header)));
      }
    });
    List<Request> requests = new ArrayList<>();
    Columns columns = new Columns(sheet, properties, requests);
    cells.forEach((header, text) -> {
      int column = columns.of(header);
      requests.add(
          WorkbookSchema.updateCells(
              properties.getSheetId(),
              now.number() - 1,
              column,
              List.of(WorkbookSchema.text(text))));
    });
    send(requests);
  }

  private static ApiKeyRow row(ApiKeySheet sheet, String hash) {
    return sheet.rows().stream()
        .filter(each -> ApiKey.hashOfCell(each.apiKey()).filter(hash::equals).isPresent())
        .findFirst()
        .orElseThrow(
            () -> new WorkbookException("The key's row has just been deleted from the sheet."));
  }

  private static String text(ApiKeyRow row, String header) {
    return switch (header) {
      case ApiKeySheet.KEY_NAME -> row.keyName();
      case ApiKeySheet.TIER -> row.tier();
      case ApiKeySheet.EXPIRES_AT -> row.expiresAt();
      case ApiKeySheet.ALLOWED_MODELS -> row.allowedModels();
      case ApiKeySheet.NOTES -> row.notes();
      default -> throw new IllegalArgumentException(header + " cannot be changed");
    };
  }

  /** A cell that was read with UNFORMATTED_VALUE. A text stays a text. */
  private static CellData cell(Object value) {
    return switch (value) {
      case Boolean bool -> bool(bool);
      case Number number -> WorkbookSchema.number(number);
      case null -> new CellData();
      default ->
          value.toString().isEmpty() ? new CellData() : WorkbookSchema.text(value.toString());
    };
  }

  /** A cell has another text than the person saw who changes it. */
  public static final class ConflictException extends RuntimeException {
    ConflictException(String message) {
      super(message);
    }
  }

  /** The columns of a sheet, to which those that are missing are added. */
  private static final class Columns {
    private final ApiKeySheet sheet;
    private final SheetProperties properties;
    private final List<Request> requests;
    private final Map<String, Integer> added = new HashMap<>();
    private int width;

    Columns(ApiKeySheet sheet, SheetProperties properties, List<Request> requests) {
      this.sheet = sheet;
      this.properties = properties;
      this.requests = requests;
      width = sheet.width();
    }

    int of(String header) {
      int there = sheet.column(header);
      return there >= 0 ? there : added.computeIfAbsent(header, this::add);
    }

    private int add(String header) {
      requests.addAll(newColumn(properties, width, header));
      return width++;
    }
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

  private static List<Request> newColumn(SheetProperties sheet, int column, String header) {
    if (column >= MAX_COLUMNS) {
      throw new WorkbookException(
          "The sheet \"%s\" has no room for a column \"%s\"; delete another column."
              .formatted(ApiKeySheet.TITLE, header));
    }
    Request title =
        WorkbookSchema.updateCells(
            sheet.getSheetId(), 0, column, List.of(WorkbookSchema.text(header)));
    if (column < sheet.getGridProperties().getColumnCount()) {
      return List.of(title);
    }
    return List.of(
        new Request()
            .setAppendDimension(
                new AppendDimensionRequest()
                    .setSheetId(sheet.getSheetId())
                    .setDimension("COLUMNS")
                    .setLength(1)),
        title);
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
