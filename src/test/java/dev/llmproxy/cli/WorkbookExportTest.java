package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.UpdateSheetPropertiesRequest;
import com.google.api.services.sheets.v4.model.ValueRange;
import dev.llmproxy.base.Settings;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetMemory;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import dev.llmproxy.workbook.WorkbookSchema;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.dhatim.fastexcel.reader.CellType;
import org.dhatim.fastexcel.reader.ReadableWorkbook;
import org.dhatim.fastexcel.reader.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkbookExportTest {
  private static final String FORMULA = "=HYPERLINK(\"http://x\")";

  @TempDir private Path folder;
  private Workbook workbook;
  private Sheets client;

  @BeforeEach
  void open() throws IOException {
    workbook =
        Workbook.open(
            Settings.load(Path.of(""), Map.of("LLMPROXY_DATA", folder.resolve("data").toString())));
    client = workbook.client();
    new ApiKeyBook(workbook)
        .add(
            "sk-0123456789abcdefghijkl",
            "ann@example.com",
            FORMULA,
            "free",
            "2026-01-01T00:00:00Z");
    addSheet("ann/example: a title of more than 31 signs", false);
    addSheet("ann/example: a title of more than thirty", false);
    addSheet("_hidden", true);
    put(
        "ann/example: a title of more than 31 signs",
        List.of(
            List.of("Model", "Cost", "Fine"),
            List.of("+1", new BigDecimal("0.00000059"), true),
            List.of("-x", -5, false),
            List.of("@y", 12345678901L, "Grüße, \"世界\"\nzwei"),
            List.of("\tz", "=1+1", "plain")));
  }

  @AfterEach
  void close() {
    workbook.close();
  }

  @Test
  void csvHasAFileForEachVisibleSheetWithValuesAndNoFormulas() throws IOException {
    List<Path> files = new WorkbookExport(workbook).toCsv(folder.resolve("csv"));

    assertThat(files)
        .extracting(file -> file.getFileName().toString())
        .contains(
            "User API Keys.csv",
            "ann_example_ a title of more than 31 signs.csv",
            "ann_example_ a title of more than thirty.csv")
        .noneMatch(name -> name.startsWith("_"));
    assertThat(folder.resolve("csv/ann_example_ a title of more than 31 signs.csv"))
        .content()
        .isEqualTo(
            """
            Model,Cost,Fine\r
            '+1,0.00000059,true\r
            '-x,-5,false\r
            '@y,12345678901,"Grüße, ""世界""
            zwei"\r
            '\tz,'=1+1,plain\r
            """);
  }

  @Test
  void keysAreMasked() throws IOException {
    put("User API Keys", List.of(List.of("API Key", "User Email", "Revoked")));
    append("User API Keys", List.of("sk-in-clear-0123456789", "bob@x.io"));

    new WorkbookExport(workbook).toCsv(folder.resolve("csv"));

    assertThat(Files.readString(folder.resolve("csv/User API Keys.csv")))
        .contains("sk-012…ijkl", "sk-in-…6789", "bob@x.io")
        .doesNotContain("sha256", "clear", "0123456789abc");
  }

  @Test
  void keysAreMaskedInRenamedAndCopiedSheets() throws IOException {
    append("User API Keys", List.of("sk-in-clear-0123456789", "bob@x.io"));
    addSheet("Copy of User API Keys", false);
    put(
        "Copy of User API Keys",
        List.of(List.of("Owner", "API\u00a0key"), List.of("bob@x.io", "sk-also-clear-0123456789")));
    rename(WorkbookSchema.sheetId(ApiKeySheet.TITLE), "Keys of staff");

    new WorkbookExport(workbook).toCsv(folder.resolve("csv"));
    new WorkbookExport(workbook).toXlsx(folder.resolve("all.xlsx"));

    assertThat(Files.readString(folder.resolve("csv/Keys of staff.csv")))
        .contains("sk-012…ijkl", "sk-in-…6789", "bob@x.io")
        .doesNotContain("sha256", "clear");
    assertThat(Files.readString(folder.resolve("csv/Copy of User API Keys.csv")))
        .contains("sk-als…6789", "bob@x.io")
        .doesNotContain("clear");
    try (InputStream in = Files.newInputStream(folder.resolve("all.xlsx"));
        ReadableWorkbook xlsx = new ReadableWorkbook(in)) {
      assertThat(xlsx.findSheet("Keys of staff").orElseThrow().read().get(2).getCellText(0))
          .isEqualTo("sk-in-…6789");
    }
  }

  @Test
  void renamedSheetMadeByHandIsFoundByTheServersMemory() throws IOException {
    client
        .spreadsheets()
        .batchUpdate(
            workbook.spreadsheetId(),
            new BatchUpdateSpreadsheetRequest().setRequests(List.of(add("Mine", false, 10, 5))))
        .execute();
    int made =
        client
            .spreadsheets()
            .get(workbook.spreadsheetId())
            .execute()
            .getSheets()
            .getLast()
            .getProperties()
            .getSheetId();
    put("Mine", List.of(List.of("Key", "User Email"), List.of("sk-in-clear-0123456789", "b@x.io")));
    SheetMemory memory =
        new SheetMemory() {
          @Override
          public Map<String, Integer> sheetIds(String spreadsheetId) {
            return Map.of(ApiKeySheet.TITLE, made);
          }

          @Override
          public void remember(String spreadsheetId, String title, int sheetId) {}
        };

    assertThatThrownBy(() -> new WorkbookExport(workbook, memory).toCsv(folder.resolve("csv")))
        .isInstanceOf(WorkbookException.class)
        .hasMessageContainingAll("no column \"API Key\"", "Column A is called \"Key\"");
  }

  @Test
  void excelFileHasEachVisibleSheetWithNumbersAsNumbersAndFormulasAsText() throws IOException {
    Path file = folder.resolve("all.xlsx");

    assertThat(new WorkbookExport(workbook).toXlsx(file)).isEqualTo(5);

    try (InputStream in = Files.newInputStream(file);
        ReadableWorkbook xlsx = new ReadableWorkbook(in)) {
      assertThat(xlsx.getSheets())
          .extracting(sheet -> sheet.getName())
          .containsExactly(
              "Sheet1",
              "User API Keys",
              "Tiers",
              "ann_example_ a title of more th",
              "ann_example_ a title of mor (2)");
      List<Row> rows = xlsx.findSheet("ann_example_ a title of more th").orElseThrow().read();
      assertThat(rows.get(1).getCellText(0)).isEqualTo("+1");
      assertThat(rows.get(1).getCell(1).getType()).isEqualTo(CellType.NUMBER);
      assertThat(rows.get(1).getCell(1).asNumber()).isEqualByComparingTo("0.00000059");
      assertThat(rows.get(1).getCell(2).asBoolean()).isTrue();
      assertThat(rows.get(3).getCell(2).asString()).isEqualTo("Grüße, \"世界\"\nzwei");
      assertThat(rows.get(4).getCell(1).getType()).isEqualTo(CellType.STRING);
      assertThat(rows.get(4).getCell(1).asString()).isEqualTo("=1+1");
      assertThat(xlsx.findSheet("User API Keys").orElseThrow().read().get(1).getCellText(2))
          .isEqualTo(FORMULA);
    }
  }

  @Test
  void longSheetIsReadInBlocksWithoutGapsOrRepeats() throws IOException {
    List<List<Object>> rows = new ArrayList<>();
    for (int i = 0; i < 45_000; i++) {
      rows.add(List.of(i));
    }
    put("ann/example: a title of more than thirty", rows);

    new WorkbookExport(workbook).toCsv(folder.resolve("csv"));

    List<String> lines =
        Files.readAllLines(folder.resolve("csv/ann_example_ a title of more than thirty.csv"));
    assertThat(lines).hasSize(45_000);
    assertThat(lines.get(20_000)).isEqualTo("20000");
    assertThat(lines.getLast()).isEqualTo("44999");
  }

  @Test
  void failedExportLeavesNoFile() throws IOException {
    client
        .spreadsheets()
        .batchUpdate(
            workbook.spreadsheetId(),
            new BatchUpdateSpreadsheetRequest()
                .setRequests(List.of(add("long", false, 1_048_577, 1))))
        .execute();

    assertThatThrownBy(() -> new WorkbookExport(workbook).toXlsx(folder.resolve("all.xlsx")))
        .isInstanceOf(WorkbookException.class)
        .hasMessageContaining("long")
        .hasMessageContaining("--csv");
    assertThat(folder).isDirectoryNotContaining("glob:**all.xlsx*");
  }

  private void append(String title, List<Object> cells) throws IOException {
    client
        .spreadsheets()
        .values()
        .append(
            workbook.spreadsheetId(),
            "'" + title + "'!A1",
            new ValueRange().setValues(List.of(cells)))
        .setValueInputOption("RAW")
        .execute();
  }

  private void rename(int sheetId, String title) throws IOException {
    client
        .spreadsheets()
        .batchUpdate(
            workbook.spreadsheetId(),
            new BatchUpdateSpreadsheetRequest()
                .setRequests(
                    List.of(
                        new Request()
                            .setUpdateSheetProperties(
                                new UpdateSheetPropertiesRequest()
                                    .setProperties(
                                        new SheetProperties().setSheetId(sheetId).setTitle(title))
                                    .setFields("title")))))
        .execute();
  }

  private void addSheet(String title, boolean hidden) throws IOException {
    client
        .spreadsheets()
        .batchUpdate(
            workbook.spreadsheetId(),
            new BatchUpdateSpreadsheetRequest().setRequests(List.of(add(title, hidden, 50_000, 5))))
        .execute();
  }

  private static Request add(String title, boolean hidden, int rows, int columns) {
    return new Request()
        .setAddSheet(
            new AddSheetRequest()
                .setProperties(
                    new SheetProperties()
                        .setTitle(title)
                        .setHidden(hidden)
                        .setGridProperties(
                            new GridProperties().setRowCount(rows).setColumnCount(columns))));
  }

  private void put(String title, List<List<Object>> rows) throws IOException {
    client
        .spreadsheets()
        .values()
        .update(workbook.spreadsheetId(), "'" + title + "'!A1", new ValueRange().setValues(rows))
        .setValueInputOption("RAW")
        .execute();
  }
}
