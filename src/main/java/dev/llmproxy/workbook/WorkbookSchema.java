package dev.llmproxy.workbook;

import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.AppendCellsRequest;
import com.google.api.services.sheets.v4.model.AppendDimensionRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.DimensionRange;
import com.google.api.services.sheets.v4.model.ExtendedValue;
import com.google.api.services.sheets.v4.model.GridCoordinate;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.InsertDimensionRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.UpdateCellsRequest;
import dev.llmproxy.base.Sha256;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.camel.ExchangeProperty;

/** The server's sheets in the workbook, and the requests that create missing ones. */
public final class WorkbookSchema {
  /** The hidden sheet with each ledger's checkpoint. */
  public static final String SYNC_TITLE = "_sync";

  /** Columns of {@link #SYNC_TITLE}. */
  public static final List<String> SYNC_HEADERS = List.of("Ledger", "Sequence", "Written At");

  /** The sheet of the main spreadsheet that lists the spreadsheets with the users' sheets. */
  public static final String INDEX_TITLE = "_index";

  /** Columns of {@link #INDEX_TITLE}. */
  public static final List<String> INDEX_HEADERS =
      List.of("Spreadsheet", "Since", "Reason", "After Sequence", "Ledger");

  /** The number of rows of a new sheet of the keys. */
  static final int ROOM = 1000;

  private static final int TIER_ROOM = 50;

  private static final int HEX = 16;
  private static final int INT_DIGITS = 8;
  private static final int LONGEST_TEXT = 50_000;

  // Control characters that a cell cannot show. Tab and line breaks are not among them.
  private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}&&[^\t\n\r]]|\\p{Cs}");

  private static final Pattern PLAIN_NUMBER = Pattern.compile("\\d{1,15}(\\.\\d{1,6})?");

  private final String mainId;
  private final SheetMemory memory;
  private final Supplier<List<List<String>>> tierRows;
  private volatile boolean prepared;
  private volatile boolean checked;
  private volatile SheetProperties keys = new SheetProperties().setTitle(ApiKeySheet.TITLE);
  private volatile SheetProperties tiers = new SheetProperties().setTitle(TierSheet.TITLE);

  /**
   * @param mainId the id of the spreadsheet with the sheet {@code User API Keys}
   * @param tierRows the rows below the header of a new sheet {@code Tiers}, as texts
   */
  public WorkbookSchema(String mainId, SheetMemory memory, Supplier<List<List<String>>> tierRows) {
    this.mainId = mainId;
    this.memory = memory;
    this.tierRows = tierRows;
  }

  /** Whether all sheets of the main spreadsheet are known to exist. */
  public boolean prepared() {
    return prepared;
  }

  /**
   * Called with true when they exist, and with false when a failed call suggests that one is
   * missing.
   */
  public void setPrepared(boolean prepared) {
    this.prepared = prepared;
    checked = true;
  }

  /**
   * Whether the server has checked the sheets of the main spreadsheet since the start, successfully
   * or not. Nothing is written before that, so that only one route sets up a new workbook. After
   * that, each route that writes finds missing sheets and errors itself.
   */
  public boolean checked() {
    return checked;
  }

  /** The id of the spreadsheet with the keys. */
  public String mainId() {
    return mainId;
  }

  /** The sheets of a spreadsheet. */
  public SheetIndex index(String spreadsheetId, Spreadsheet spreadsheet) {
    return new SheetIndex(spreadsheetId, spreadsheet, memory);
  }

  /**
   * The requests that create the missing sheets, with their headers. Also stores the present title
   * of the sheet of the keys.
   *
   * @param spreadsheet with at least ids and titles of its sheets
   * @return null when nothing is missing
   */
  public BatchUpdateSpreadsheetRequest missingSheets(
      @ExchangeProperty("spreadsheetId") String spreadsheetId,
      @ExchangeProperty("spreadsheet") Spreadsheet spreadsheet) {
    SheetIndex index = index(spreadsheetId, spreadsheet);
    Map<String, List<String>> needed = new LinkedHashMap<>();
    if (spreadsheetId.equals(mainId)) {
      needed.put(ApiKeySheet.TITLE, ApiKeySheet.HEADERS);
      needed.put(TierSheet.TITLE, TierSheet.HEADERS);
      needed.put(INDEX_TITLE, INDEX_HEADERS);
      index.find(ApiKeySheet.TITLE).ifPresent(sheet -> keys = sheet);
      index.find(TierSheet.TITLE).ifPresent(sheet -> tiers = sheet);
    }
    needed.put(SYNC_TITLE, SYNC_HEADERS);
    List<Request> requests = index.missing(needed, Map.of(TierSheet.TITLE, tierRows));
    return requests.isEmpty() ? null : new BatchUpdateSpreadsheetRequest().setRequests(requests);
  }

  /** The ranges of the whole sheets of the tiers and the keys, by their present titles. */
  public List<String> gateRanges() {
    return List.of(SheetIndex.range(tiers, null), keysRange());
  }

  /** The range of the whole sheet of the keys, by its present title. */
  public String keysRange() {
    return SheetIndex.range(keys, null);
  }

  /**
   * The sheet of the keys, as of the last check.
   *
   * @throws WorkbookException when it has not been checked yet
   */
  public SheetProperties keysSheet() {
    if (keys.getSheetId() == null) {
      throw new WorkbookException(
          "The sheet \"" + ApiKeySheet.TITLE + "\" has not been looked up yet.");
    }
    return keys;
  }

  /**
   * Adds a sheet. The sheets into which people type get empty rows. Any other sheet has none,
   * because every empty cell counts towards Google's limit.
   */
  static List<Request> newSheet(
      int id, String title, List<String> headers, List<List<String>> rows, boolean hidden) {
    SheetProperties properties =
        new SheetProperties()
            .setSheetId(id)
            .setTitle(title)
            .setHidden(hidden)
            .setGridProperties(
                new GridProperties()
                    .setRowCount(room(headers, rows.size()))
                    .setColumnCount(headers.size())
                    .setFrozenRowCount(0));
    List<Request> requests = new ArrayList<>();
    requests.add(new Request().setAddSheet(new AddSheetRequest().setProperties(properties)));
    requests.addAll(content(id, headers, rows));
    return requests;
  }

  /** The rows of a new sheet, header included. People type into the sheets of keys and tiers. */
  private static int room(List<String> headers, int rows) {
    if (headers.equals(ApiKeySheet.HEADERS)) {
      return ROOM;
    }
    return headers.equals(TierSheet.HEADERS) ? Math.max(TIER_ROOM, 1 + rows) : 1 + rows;
  }

  /** Fills an empty sheet. Texts that are whole numbers or decimal fractions become numbers. */
  public static List<Request> content(int id, List<String> headers, List<List<String>> rows) {
    List<RowData> cells = new ArrayList<>();
    cells.add(row(headers.stream().map(WorkbookSchema::text).toList()));
    rows.forEach(texts -> cells.add(row(texts.stream().map(WorkbookSchema::typed).toList())));
    return List.of(
        new Request()
            .setUpdateCells(
                new UpdateCellsRequest()
                    .setStart(new GridCoordinate().setSheetId(id).setRowIndex(0).setColumnIndex(0))
                    .setRows(cells)
                    .setFields("userEnteredValue")));
  }

  private static CellData typed(String text) {
    return text.isEmpty()
        ? new CellData()
        : PLAIN_NUMBER.matcher(text).matches() ? number(new BigDecimal(text)) : text(text);
  }

  /** Appends rows below the last row of a sheet. */
  public static Request appendRows(int sheetId, List<RowData> rows) {
    return new Request()
        .setAppendCells(
            new AppendCellsRequest()
                .setSheetId(sheetId)
                .setRows(rows)
                .setFields("userEnteredValue"));
  }

  /** Writes cells from a start position; row and column count from 0. */
  public static Request updateCells(int sheetId, int row, int column, List<CellData> cells) {
    return new Request()
        .setUpdateCells(
            new UpdateCellsRequest()
                .setStart(
                    new GridCoordinate()
                        .setSheetId(sheetId)
                        .setRowIndex(row)
                        .setColumnIndex(column))
                .setRows(List.of(row(cells)))
                .setFields("userEnteredValue"));
  }

  /** Appends an empty row. */
  public static Request appendEmptyRow(int sheetId) {
    return append(sheetId, "ROWS");
  }

  /**
   * Inserts a column with this header. It does not use an existing empty column, so that nothing is
   * overwritten if columns have moved in the meantime.
   *
   * @param at the zero-based index
   */
  public static List<Request> insertColumn(
      int sheetId, int at, GridProperties grid, String header) {
    Request room =
        at >= grid.getColumnCount()
            ? append(sheetId, "COLUMNS")
            : new Request()
                .setInsertDimension(
                    new InsertDimensionRequest()
                        .setInheritFromBefore(true)
                        .setRange(
                            new DimensionRange()
                                .setSheetId(sheetId)
                                .setDimension("COLUMNS")
                                .setStartIndex(at)
                                .setEndIndex(at + 1)));
    return List.of(room, updateCells(sheetId, 0, at, List.of(text(header))));
  }

  private static Request append(int sheetId, String dimension) {
    return new Request()
        .setAppendDimension(
            new AppendDimensionRequest().setSheetId(sheetId).setDimension(dimension).setLength(1));
  }

  /** A row of cells. */
  public static RowData row(List<CellData> cells) {
    return new RowData().setValues(cells);
  }

  /**
   * A cell that shows exactly this text and is never taken for a formula. Control characters become
   * �, and text beyond 50,000 characters is cut.
   */
  public static CellData text(String text) {
    String shown = CONTROL.matcher(text).replaceAll("�");
    if (shown.length() > LONGEST_TEXT) {
      int end = LONGEST_TEXT - 1;
      shown = shown.substring(0, Character.isLowSurrogate(shown.charAt(end)) ? end - 1 : end) + "…";
    }
    return new CellData().setUserEnteredValue(new ExtendedValue().setStringValue(shown));
  }

  /** A number, or an empty cell for null. */
  public static CellData number(Number number) {
    return number == null
        ? new CellData()
        : new CellData()
            .setUserEnteredValue(new ExtendedValue().setNumberValue(number.doubleValue()));
  }

  /**
   * A sheet's id follows from its first title, so a repeated request cannot create a second sheet.
   */
  public static int sheetId(String title) {
    int id = Integer.parseUnsignedInt(Sha256.hex(title), 0, INT_DIGITS, HEX) & Integer.MAX_VALUE;
    // 0 is the id of the sheet that Google creates with a spreadsheet.
    return id == 0 ? 1 : id;
  }
}
