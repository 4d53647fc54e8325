package dev.llmproxy.cli;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.AppendDimensionRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.UpdateSheetPropertiesRequest;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.SheetMemory;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import dev.llmproxy.workbook.WorkbookSchema;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Adds missing sheets, headers and frozen header rows to a spreadsheet. Deletes nothing. */
public final class WorkbookSetup {
  private static final Map<String, List<String>> HEADERS =
      Map.of(
          ApiKeySheet.TITLE, ApiKeySheet.HEADERS,
          WorkbookSchema.SYNC_TITLE, WorkbookSchema.SYNC_HEADERS);

  private final Workbook workbook;
  private final SheetMemory memory;
  private final Supplier<List<List<String>>> tiers;
  private final Sheets client;

  public WorkbookSetup(Workbook workbook) {
    this(workbook, SheetMemory.NONE, Tiers::none);
  }

  /**
   * @param memory the ids of sheets that the server has found before, so that renamed sheets are
   *     found too
   * @param tiers the rows of a new sheet {@code Tiers}
   */
  public WorkbookSetup(Workbook workbook, SheetMemory memory, Supplier<List<List<String>>> tiers) {
    this.workbook = workbook;
    this.memory = memory;
    this.tiers = tiers;
    this.client = workbook.client();
  }

  /**
   * The changes; all lists are empty when nothing was missing.
   *
   * @param title the spreadsheet's name
   * @param made added sheets
   * @param headed empty sheets that got headers
   * @param frozen sheets whose header row was frozen
   */
  public record Done(String title, List<String> made, List<String> headed, List<String> frozen) {
    public Done {
      made = List.copyOf(made);
      headed = List.copyOf(headed);
      frozen = List.copyOf(frozen);
    }

    /** Whether anything was changed. */
    public boolean changed() {
      return !(made.isEmpty() && headed.isEmpty() && frozen.isEmpty());
    }
  }

  /**
   * Adds what is missing.
   *
   * @throws WorkbookException when the spreadsheet cannot be used
   */
  public Done run() {
    try {
      Spreadsheet before = spreadsheet();
      List<Request> headers = new ArrayList<>();
      List<String> headed = missingHeaders(before, headers);
      send(headers);
      new ApiKeyBook(workbook, memory, tiers).rows();
      Spreadsheet after = spreadsheet();
      Set<String> known = titles(before).collect(Collectors.toSet());
      List<String> made = titles(after).filter(title -> !known.contains(title)).toList();
      List<Request> freezing = new ArrayList<>();
      List<String> frozen = freeze(after, freezing);
      send(freezing);
      return new Done(before.getProperties().getTitle(), made, headed, frozen);
    } catch (IOException e) {
      throw workbook.failed(e);
    }
  }

  private Spreadsheet spreadsheet() throws IOException {
    return client
        .spreadsheets()
        .get(workbook.spreadsheetId())
        .setFields("properties.title,sheets.properties(sheetId,title,gridProperties)")
        .execute();
  }

  private List<String> missingHeaders(Spreadsheet spreadsheet, List<Request> requests)
      throws IOException {
    SheetIndex index = index(spreadsheet);
    List<String> headed = new ArrayList<>();
    for (Map.Entry<String, List<String>> wanted : HEADERS.entrySet()) {
      SheetProperties sheet = index.find(wanted.getKey()).orElse(null);
      if (sheet != null && empty(sheet)) {
        headed.add(sheet.getTitle());
        requests.add(header(sheet.getSheetId(), wanted.getValue()));
      }
    }
    return headed;
  }

  private SheetIndex index(Spreadsheet spreadsheet) {
    return new SheetIndex(workbook.spreadsheetId(), spreadsheet, memory);
  }

  private boolean empty(SheetProperties sheet) throws IOException {
    return client
            .spreadsheets()
            .values()
            .get(workbook.spreadsheetId(), SheetIndex.range(sheet, "A1:Z"))
            .execute()
            .getValues()
        == null;
  }

  private static Request header(int sheetId, List<String> texts) {
    return WorkbookSchema.updateCells(
        sheetId, 0, 0, texts.stream().map(WorkbookSchema::text).toList());
  }

  private List<String> freeze(Spreadsheet spreadsheet, List<Request> requests) {
    List<String> frozen = new ArrayList<>();
    SheetProperties sheet = index(spreadsheet).find(ApiKeySheet.TITLE).orElse(null);
    if (sheet != null) {
      Integer rows = sheet.getGridProperties().getFrozenRowCount();
      if (rows == null || rows == 0) {
        frozen.add(sheet.getTitle());
        // Google refuses to freeze all rows of a sheet.
        if (sheet.getGridProperties().getRowCount() < 2) {
          requests.add(
              new Request()
                  .setAppendDimension(
                      new AppendDimensionRequest()
                          .setSheetId(sheet.getSheetId())
                          .setDimension("ROWS")
                          .setLength(1)));
        }
        requests.add(
            new Request()
                .setUpdateSheetProperties(
                    new UpdateSheetPropertiesRequest()
                        .setProperties(
                            new SheetProperties()
                                .setSheetId(sheet.getSheetId())
                                .setGridProperties(new GridProperties().setFrozenRowCount(1)))
                        .setFields("gridProperties.frozenRowCount")));
      }
    }
    return frozen;
  }

  private void send(List<Request> requests) throws IOException {
    if (!requests.isEmpty()) {
      client
          .spreadsheets()
          .batchUpdate(
              workbook.spreadsheetId(), new BatchUpdateSpreadsheetRequest().setRequests(requests))
          .execute();
    }
  }

  private static Stream<String> titles(Spreadsheet spreadsheet) {
    return spreadsheet.getSheets().stream().map(sheet -> sheet.getProperties().getTitle());
  }
}
