package dev.llmproxy.cli;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.base.CsvCell;
import dev.llmproxy.base.DataFolder;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.SheetMemory;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import dev.llmproxy.workbook.WorkbookSchema;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.dhatim.fastexcel.Worksheet;

/**
 * Exports the visible sheets of the workbook, and of the further spreadsheets in its sheet {@code
 * _index}, to files: values without formats. API keys are masked, and no text becomes a formula in
 * the program that opens the file.
 */
public final class WorkbookExport {
  private static final int ROWS_OF_A_READ = 20_000;

  /**
   * Excel's own limits, <a href="https://support.microsoft.com/office/1672b34d">as published</a>.
   */
  private static final int MAX_XLSX_ROWS = 1_048_576;

  private static final int MAX_XLSX_TITLE = 31;
  private static final int MAX_XLSX_CHARACTERS = 32_767;

  private final Workbook workbook;
  private final SheetMemory memory;
  private final Sheets client;

  public WorkbookExport(Workbook workbook) {
    this(workbook, SheetMemory.NONE);
  }

  /**
   * @param memory the ids of sheets that the server has found before, so that renamed sheets are
   *     found too
   */
  public WorkbookExport(Workbook workbook, SheetMemory memory) {
    this.workbook = workbook;
    this.memory = memory;
    this.client = workbook.client();
  }

  /**
   * Writes all sheets to one Excel file, which appears when it is complete.
   *
   * @return the number of sheets
   * @throws WorkbookException when the workbook cannot be read or a sheet is too large for Excel
   */
  public int toXlsx(Path file) throws IOException {
    Path aside = Files.createTempFile(folderOf(file), file.getFileName().toString(), ".part");
    try {
      List<Page> pages = pages();
      try (OutputStream out = Files.newOutputStream(aside);
          var xlsx = new org.dhatim.fastexcel.Workbook(out, "llmproxy", null)) {
        Titles titles = new Titles(MAX_XLSX_TITLE);
        for (Page page : pages) {
          if (page.rows > MAX_XLSX_ROWS) {
            throw new WorkbookException(
                "The sheet \"%s\" has more rows than Excel allows (%d); use --csv."
                    .formatted(page.title, MAX_XLSX_ROWS));
          }
          Worksheet sheet = xlsx.newWorksheet(titles.give(page.title));
          sheet.freezePane(0, 1);
          int[] row = {0};
          read(
              page,
              cells -> {
                for (int column = 0; column < cells.size(); column++) {
                  set(sheet, row[0], column, cells.get(column));
                }
                row[0]++;
              });
        }
      }
      Files.move(aside, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      return pages.size();
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  /**
   * Writes each sheet to a file {@code <title>.csv} (RFC 4180, UTF-8) in a folder, which is created
   * when it is missing. Text that a spreadsheet program would interpret as a formula is prefixed
   * with {@code '}.
   *
   * @return the files
   * @throws WorkbookException when the workbook cannot be read
   */
  public List<Path> toCsv(Path folder) throws IOException {
    Files.createDirectories(folderOf(folder));
    DataFolder.makePrivate(folder);
    List<Path> files = new ArrayList<>();
    Titles titles = new Titles(100);
    for (Page page : pages()) {
      Path file = folder.resolve(titles.give(page.title) + ".csv");
      // An existing file may be readable for others; deleting it makes the new one private.
      Files.deleteIfExists(file);
      DataFolder.create(file);
      try (Writer writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
          CSVPrinter csv = new CSVPrinter(writer, CSVFormat.RFC4180)) {
        read(
            page,
            cells -> {
              try {
                csv.printRecord(cells.stream().map(WorkbookExport::csvCell).toList());
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
      }
      files.add(file);
    }
    return files;
  }

  private static String csvCell(Object cell) {
    if (cell instanceof String text) {
      return CsvCell.harmless(text);
    }
    return cell instanceof BigDecimal number ? number.toPlainString() : String.valueOf(cell);
  }

  private static void set(Worksheet page, int row, int column, Object cell) {
    switch (cell) {
      case Number number -> page.value(row, column, number);
      case Boolean truth -> page.value(row, column, truth);
      case Object other -> {
        String text = other.toString();
        page.value(row, column, text.substring(0, Math.min(text.length(), MAX_XLSX_CHARACTERS)));
      }
    }
  }

  /** The visible sheets of the workbook and its further spreadsheets. */
  private List<Page> pages() {
    List<Page> pages = new ArrayList<>();
    Set<String> further = new LinkedHashSet<>();
    for (Page page : pages(workbook.spreadsheetId())) {
      if (page.is(WorkbookSchema.INDEX_TITLE)) {
        block(page, 1).stream()
            .skip(1)
            .filter(row -> !row.isEmpty())
            .forEach(row -> further.add(row.get(0).toString()));
      }
      pages.add(page);
    }
    further.remove(workbook.spreadsheetId());
    further.forEach(id -> pages.addAll(pages(id)));
    pages.removeIf(Page::hidden);
    return pages;
  }

  private List<Page> pages(String spreadsheetId) {
    try {
      Spreadsheet spreadsheet =
          client
              .spreadsheets()
              .get(spreadsheetId)
              .setFields("sheets.properties(sheetId,title,hidden,gridProperties.rowCount)")
              .execute();
      Map<Integer, String> ours = new HashMap<>();
      if (spreadsheetId.equals(workbook.spreadsheetId())) {
        SheetIndex index = new SheetIndex(spreadsheetId, spreadsheet, memory);
        for (String title : List.of(ApiKeySheet.TITLE, WorkbookSchema.INDEX_TITLE)) {
          index.find(title).ifPresent(sheet -> ours.put(sheet.getSheetId(), title));
        }
      }
      return spreadsheet.getSheets().stream()
          .map(Sheet::getProperties)
          .map(sheet -> Page.of(spreadsheetId, sheet, ours.get(sheet.getSheetId())))
          .toList();
    } catch (IOException e) {
      throw workbook.failed(e);
    }
  }

  private void read(Page page, Row rows) {
    Set<Integer> keyColumns = Set.of();
    for (int first = 1; first <= page.rows; first += ROWS_OF_A_READ) {
      List<List<Object>> block = block(page, first);
      if (first == 1 && !block.isEmpty()) {
        keyColumns = keyColumns(page, block);
      }
      for (int i = 0; i < block.size(); i++) {
        boolean header = first == 1 && i == 0;
        rows.take(header ? block.get(i) : masked(block.get(i), keyColumns));
      }
    }
  }

  /**
   * The columns with keys. Any sheet with the header of a key column may contain keys, because
   * people copy the sheet of the keys. The export fails when that sheet's own key column is not
   * found.
   */
  private static Set<Integer> keyColumns(Page page, List<List<Object>> block) {
    if (page.is(ApiKeySheet.TITLE)) {
      new ApiKeySheet(block);
    }
    return ApiKeySheet.keyColumns(block.get(0));
  }

  private List<List<Object>> block(Page page, int first) {
    int last = Math.min(first + ROWS_OF_A_READ - 1, page.rows);
    String range = SheetIndex.range(page.title, first + ":" + last);
    try {
      List<List<Object>> values =
          client
              .spreadsheets()
              .values()
              .get(page.spreadsheetId, range)
              .setValueRenderOption("UNFORMATTED_VALUE")
              .execute()
              .getValues();
      return values == null ? List.of() : values;
    } catch (IOException e) {
      throw workbook.failed(e);
    }
  }

  private static List<Object> masked(List<Object> cells, Set<Integer> keyColumns) {
    if (keyColumns.isEmpty()) {
      return cells;
    }
    List<Object> masked = new ArrayList<>(cells);
    keyColumns.stream()
        .filter(column -> column < cells.size())
        .forEach(column -> masked.set(column, ApiKey.shown(cells.get(column).toString())));
    return masked;
  }

  private static Path folderOf(Path file) {
    return file.toAbsolutePath().getParent();
  }

  /**
   * A sheet of one of the spreadsheets.
   *
   * @param ours the product's title of the sheet, even when it has been renamed; null for a sheet
   *     that is not the product's
   */
  private record Page(String spreadsheetId, String title, int rows, boolean hidden, String ours) {
    static Page of(String spreadsheetId, SheetProperties sheet, String ours) {
      GridProperties grid = sheet.getGridProperties();
      return new Page(
          spreadsheetId,
          sheet.getTitle(),
          grid == null || grid.getRowCount() == null ? 0 : grid.getRowCount(),
          Boolean.TRUE.equals(sheet.getHidden()),
          ours);
    }

    boolean is(String title) {
      return title.equals(ours);
    }
  }

  private interface Row {
    void take(List<Object> cells);
  }

  /** Makes titles valid for file systems and Excel, and unique. */
  private static final class Titles {
    private final int max;
    private final Set<String> given = new HashSet<>();

    Titles(int max) {
      this.max = max;
    }

    String give(String title) {
      String plain = title.replaceAll("[\\\\/:*?\"<>|\\[\\]'\\p{Cntrl}]", "_").strip();
      plain = plain.isEmpty() || plain.startsWith(".") ? "_" + plain : plain;
      for (int copy = 1; ; copy++) {
        String end = copy == 1 ? "" : " (" + copy + ")";
        String candidate = plain.substring(0, Math.min(plain.length(), max - end.length())) + end;
        if (given.add(candidate.toLowerCase(Locale.ROOT))) {
          return candidate;
        }
      }
    }
  }
}
