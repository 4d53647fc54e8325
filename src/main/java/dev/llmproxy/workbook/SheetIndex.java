package dev.llmproxy.workbook;

import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.base.Sha256;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The sheets of a spreadsheet, as read, found by the server's name for them. The server finds a
 * sheet by its stored id, whatever its present title; else by the id that follows from the title;
 * else, for a sheet made by hand, by the title itself.
 */
public final class SheetIndex {
  private static final int HASH_DIGITS = 6;

  private final String spreadsheetId;
  private final List<SheetProperties> sheets;
  private final SheetMemory memory;

  /**
   * @param spreadsheet with at least id and title of each sheet
   */
  public SheetIndex(String spreadsheetId, Spreadsheet spreadsheet, SheetMemory memory) {
    this.spreadsheetId = spreadsheetId;
    this.sheets = spreadsheet.getSheets().stream().map(Sheet::getProperties).toList();
    this.memory = memory;
  }

  /** Finds the sheet with this name and stores its id; empty when there is none. */
  public Optional<SheetProperties> find(String title) {
    Map<String, Integer> known = memory.sheetIds(spreadsheetId);
    Optional<SheetProperties> found =
        byId(known.get(title))
            .or(() -> unclaimed(byId(WorkbookSchema.sheetId(title)), title, known))
            .or(() -> unclaimed(byTitle(title), title, known));
    found
        .map(SheetProperties::getSheetId)
        .filter(id -> !id.equals(known.get(title)))
        .ifPresent(id -> memory.remember(spreadsheetId, title, id));
    return found;
  }

  /**
   * The requests that create a sheet which {@link #find} has not found. The id is stored before the
   * sheet is created, so that a repeated request creates the same sheet.
   */
  public NewSheet add(String title, List<String> headers, boolean hidden) {
    return add(title, headers, List.of(), hidden);
  }

  private NewSheet add(
      String title, List<String> headers, List<List<String>> rows, boolean hidden) {
    Map<String, Integer> known = memory.sheetIds(spreadsheetId);
    Integer id = known.get(title);
    for (int attempt = 0; id == null; attempt++) {
      int candidate = WorkbookSchema.sheetId(attempt == 0 ? title : title + "\n" + attempt);
      if (byId(candidate).isEmpty() && !known.containsValue(candidate)) {
        id = candidate;
        memory.remember(spreadsheetId, title, id);
      }
    }
    // Another sheet may have this title.
    String free =
        byTitle(title).isEmpty()
            ? title
            : title + "_" + Sha256.hex(title).substring(0, HASH_DIGITS);
    return new NewSheet(id, WorkbookSchema.newSheet(id, free, headers, rows, hidden));
  }

  /** The number of cells of the grids, including empty ones, as Google counts them. */
  public long cells() {
    return sheets.stream()
        .map(SheetProperties::getGridProperties)
        .filter(grid -> grid != null)
        .mapToLong(grid -> (long) grid.getRowCount() * grid.getColumnCount())
        .sum();
  }

  /**
   * A range on a sheet, by its present title.
   *
   * @param cells in A1 notation, e.g. {@code 1:1}; null for the whole sheet
   */
  public static String range(SheetProperties sheet, String cells) {
    return range(sheet.getTitle(), cells);
  }

  /** Like {@link #range(SheetProperties, String)}, by the title alone. */
  public static String range(String title, String cells) {
    String quoted = "'" + title.replace("'", "''") + "'";
    return cells == null ? quoted : quoted + "!" + cells;
  }

  /**
   * The server's sheet with this name.
   *
   * @throws WorkbookException when it is missing
   */
  public SheetProperties present(String title) {
    return find(title)
        .orElseThrow(() -> new WorkbookException("The sheet \"" + title + "\" is missing."));
  }

  /**
   * The requests that create the missing sheets of {@code titles}, with their headers; empty when
   * none is missing.
   *
   * @param rows the rows below the header of some of them
   */
  List<Request> missing(
      Map<String, List<String>> titles, Map<String, Supplier<List<List<String>>>> rows) {
    List<Request> requests = new ArrayList<>();
    titles.forEach((title, headers) -> {
      if (find(title).isEmpty()) {
        requests.addAll(
            add(title, headers, rows.getOrDefault(title, List::of).get(), title.startsWith("_"))
                .requests());
      }
    });
    return requests;
  }

  private static Optional<SheetProperties> unclaimed(
      Optional<SheetProperties> sheet, String title, Map<String, Integer> known) {
    return sheet.filter(found ->
        known.entrySet().stream()
            .noneMatch(entry ->
                entry.getValue().equals(found.getSheetId()) && !entry.getKey().equals(title)));
  }

  private Optional<SheetProperties> byId(Integer id) {
    return sheets.stream().filter(sheet -> sheet.getSheetId().equals(id)).findFirst();
  }

  /** Google treats titles that differ only in case as equal. */
  private Optional<SheetProperties> byTitle(String title) {
    String wanted = title.toLowerCase(Locale.ROOT);
    return sheets.stream()
        .filter(sheet -> sheet.getTitle().toLowerCase(Locale.ROOT).equals(wanted))
        .findFirst();
  }

  /**
   * A sheet to be created.
   *
   * @param sheetId the id of the new sheet
   * @param requests the requests that create it
   */
  public record NewSheet(int sheetId, List<Request> requests) {}
}
