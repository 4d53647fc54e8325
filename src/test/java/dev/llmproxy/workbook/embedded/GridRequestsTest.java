package dev.llmproxy.workbook.embedded;

import static dev.llmproxy.workbook.embedded.WorkbookFixture.ID;
import static dev.llmproxy.workbook.embedded.WorkbookFixture.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetResponse;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.CopySheetToAnotherSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.GridData;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The requests that rearrange and format a grid, through Google's Java client. */
class GridRequestsTest {
  @TempDir private Path folder;
  private EmbeddedWorkbook workbook;
  private WorkbookFixture fixture;

  @BeforeEach
  void open() throws IOException {
    workbook = EmbeddedWorkbook.open(folder, 0);
    fixture = new WorkbookFixture(workbook);
  }

  @AfterEach
  void close() {
    workbook.close();
  }

  @Test
  void shouldMoveRowsAndColumns() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b", "c"), List.of("d"), List.of("e")));
    batch("{moveDimension:{source:{dimension:ROWS,startIndex:0,endIndex:1},destinationIndex:3}}");
    assertThat(fixture.values("A1:C")).containsExactly(row("d"), row("e"), row("a", "b", "c"));
    batch("{moveDimension:{source:{dimension:ROWS,startIndex:2,endIndex:3},destinationIndex:0}}");
    batch(
        "{moveDimension:{source:{dimension:COLUMNS,startIndex:2,endIndex:3},destinationIndex:0}}");
    assertThat(fixture.values("A1:C"))
        .containsExactly(row("c", "a", "b"), row("", "d"), row("", "e"));
  }

  @Test
  void shouldInsertAndDeleteCells() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b"), List.of("c", "d")));
    String first = "range:{startRowIndex:0,endRowIndex:1,startColumnIndex:0,endColumnIndex:1}";
    batch("{insertRange:{" + first + ",shiftDimension:ROWS}}");
    assertThat(fixture.values("A1:C")).containsExactly(row("", "b"), row("a", "d"), row("c"));
    batch("{deleteRange:{" + first + ",shiftDimension:ROWS}}");
    batch("{insertRange:{" + first + ",shiftDimension:COLUMNS}}");
    assertThat(fixture.values("A1:C")).containsExactly(row("", "a", "b"), row("c", "d"));
    batch("{deleteRange:{" + first + ",shiftDimension:COLUMNS}}");
    assertThat(fixture.values("A1:C")).containsExactly(row("a", "b"), row("c", "d"));
    fixture.update("A1000", List.of(List.of("last")));
    batch("{insertRange:{" + first + ",shiftDimension:ROWS}}");
    assertThat(fixture.values("A1001")).containsExactly(row("last"));
  }

  @Test
  void shouldCopyAndCutCells() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b")));
    String source = "source:{startRowIndex:0,endRowIndex:1,startColumnIndex:0,endColumnIndex:2}";
    batch(
        "{copyPaste:{"
            + source
            + ",destination:{startRowIndex:1,endRowIndex:3,startColumnIndex:0,endColumnIndex:4}}}");
    assertThat(fixture.values("A2:D3"))
        .containsExactly(row("a", "b", "a", "b"), row("a", "b", "a", "b"));
    batch(
        "{copyPaste:{"
            + source
            + ",pasteOrientation:TRANSPOSE,"
            + "destination:{startRowIndex:4,endRowIndex:5,startColumnIndex:0,endColumnIndex:1}}}");
    assertThat(fixture.values("A5:B6")).containsExactly(row("a"), row("b"));
    batch("{cutPaste:{" + source + ",destination:{rowIndex:9,columnIndex:1}}}");
    assertThat(fixture.values("A1:B1")).isNull();
    assertThat(fixture.values("B10:C10")).containsExactly(row("a", "b"));
  }

  @Test
  void shouldNotPasteTheValueOfAFormulaThatItCannotEvaluate() throws IOException {
    batch(
        "{updateCells:{start:{},fields:userEnteredValue,"
            + "rows:[{values:[{userEnteredValue:{formulaValue:'=1+1'}}]}]}}");
    String paste =
        "{copyPaste:{source:{endRowIndex:1,endColumnIndex:1},pasteType:PASTE_VALUES,"
            + "destination:{startRowIndex:1,endRowIndex:2,endColumnIndex:1}}}";
    assertRefused(
        400,
        "Invalid requests[0].copyPaste: The embedded workbook does not support PASTE_VALUES of a"
            + " formula, because it evaluates none.",
        () -> batch(paste));
    batch(paste.replace("PASTE_VALUES", "PASTE_FORMULA"));
    assertThat(fixture.values("A2")).containsExactly(row("=1+1"));
  }

  @Test
  void shouldStoreAndReturnFormatsAndRules() throws IOException {
    fixture.update("A1", List.of(List.of("tier")));
    String range = "range:{endRowIndex:2,endColumnIndex:2}";
    batch(
        "{repeatCell:{"
            + range
            + ",fields:'userEnteredFormat.textFormat.bold',cell:{userEnteredFormat:{textFormat:{bold:true}}}}}",
        "{setDataValidation:{"
            + range
            + ",rule:{strict:true,condition:{type:ONE_OF_LIST,values:[{userEnteredValue:free}]}}}}");
    for (String cell : List.of("A1", "B2")) {
      CellData data = cell(cell);
      assertThat(data.getUserEnteredFormat().getTextFormat().getBold()).isTrue();
      assertThat(data.getDataValidation().getCondition().getType()).isEqualTo("ONE_OF_LIST");
    }
    fixture.update("A1", List.of(List.of("plan")));
    assertThat(cell("A1").getUserEnteredFormat().getTextFormat().getBold()).isTrue();
    batch(
        "{setDataValidation:{" + range + "}}",
        "{repeatCell:{" + range + ",fields:userEnteredFormat}}");
    assertThat(cell("A1")).containsOnlyKeys("userEnteredValue", "effectiveValue", "formattedValue");
  }

  @Test
  void shouldFindAndReplace() throws IOException {
    fixture.update("A1", List.of(List.of("Free and free", 15, "=free"), List.of("other")));
    var counts =
        batch("{findReplace:{find:FREE,replacement:pro,allSheets:true}}")
            .getReplies()
            .getFirst()
            .getFindReplace();
    assertThat(counts.getOccurrencesChanged()).isEqualTo(3);
    assertThat(counts.getValuesChanged()).isEqualTo(2);
    assertThat(counts.getRowsChanged()).isEqualTo(1);
    assertThat(fixture.values("A1")).containsExactly(row("pro and pro"));
    batch("{findReplace:{find:'(o)th(e)r',replacement:'$1$2',searchByRegex:true,sheetId:0}}");
    assertThat(fixture.values("A2")).containsExactly(row("oe"));
    assertRefused(
        400,
        "Invalid requests[0].findReplace: Invalid regular expression: Unclosed group",
        () -> batch("{findReplace:{find:'(',searchByRegex:true,sheetId:0}}"));
  }

  @Test
  void shouldMoveWidthsHiddenRowsFiltersAndNamesWithTheirCells() throws IOException {
    fixture.update("A1", List.of(List.of("a long header", "b"), List.of("c")));
    batch(
        "{updateDimensionProperties:{range:{dimension:ROWS,startIndex:1,endIndex:3},"
            + "fields:hiddenByUser,properties:{hiddenByUser:true}}}",
        "{updateDimensionProperties:{range:{dimension:COLUMNS,startIndex:1,endIndex:2},"
            + "fields:pixelSize,properties:{pixelSize:50}}}",
        "{autoResizeDimensions:{dimensions:{dimension:COLUMNS,startIndex:0,endIndex:1}}}",
        "{setBasicFilter:{filter:{range:{startRowIndex:0,endRowIndex:2}}}}",
        "{addNamedRange:{namedRange:{name:second,range:"
            + "{startRowIndex:1,endRowIndex:2,startColumnIndex:0,endColumnIndex:1}}}}",
        "{addProtectedRange:{protectedRange:{protectedRangeId:5,range:{endRowIndex:1}}}}",
        "{insertDimension:{range:{dimension:ROWS,startIndex:0,endIndex:1}}}",
        "{deleteDimension:{range:{dimension:ROWS,startIndex:3,endIndex:4}}}");
    workbook.close();
    open();
    GridData data = grid("A1:C5");
    assertThat(data.getRowMetadata())
        .extracting(row -> Boolean.TRUE.equals(row.getHiddenByUser()))
        .containsExactly(false, false, true, false, false);
    assertThat(data.getColumnMetadata())
        .extracting(column -> column.getPixelSize())
        .containsExactly(103, 50, 100);
    Spreadsheet spreadsheet = fixture.sheets.spreadsheets().get(ID).execute();
    Sheet sheet = spreadsheet.getSheets().getFirst();
    assertThat(sheet.getBasicFilter().getRange().getStartRowIndex()).isEqualTo(1);
    assertThat(sheet.getBasicFilter().getRange().getEndRowIndex()).isEqualTo(3);
    assertThat(sheet.getProtectedRanges().getFirst().getRange().getEndRowIndex()).isEqualTo(2);
    assertThat(fixture.values("second")).containsExactly(row("c"));
    batch(
        "{deleteDimension:{range:{dimension:ROWS,startIndex:2,endIndex:3}}}",
        "{clearBasicFilter:{}}",
        "{deleteProtectedRange:{protectedRangeId:5}}");
    assertThat(fixture.sheets.spreadsheets().get(ID).execute().getNamedRanges()).isNull();
    sheet = fixture.sheets.spreadsheets().get(ID).execute().getSheets().getFirst();
    assertThat(sheet).containsOnlyKeys("properties");
  }

  @Test
  void shouldCopySheetsWithinAndBetweenSpreadsheets() throws IOException {
    fixture.update("A1", List.of(List.of("kept")));
    batch("{setBasicFilter:{filter:{range:{endRowIndex:1}}}}");
    var copy =
        batch("{duplicateSheet:{newSheetId:9,insertSheetIndex:1}}", "{duplicateSheet:{}}")
            .getReplies()
            .getFirst()
            .getDuplicateSheet()
            .getProperties();
    assertThat(copy.getTitle()).isEqualTo("Copy of Sheet1");
    assertThat(fixture.values("'Copy of Sheet1 1'!A1")).containsExactly(row("kept"));
    var spreadsheets = fixture.sheets.spreadsheets();
    assertThat(spreadsheets.get(ID).execute().getSheets().get(2).getBasicFilter().getRange())
        .containsEntry("sheetId", 9);
    String other = spreadsheets.create(new Spreadsheet()).execute().getSpreadsheetId();
    var copied =
        spreadsheets
            .sheets()
            .copyTo(
                ID,
                9,
                new CopySheetToAnotherSpreadsheetRequest().setDestinationSpreadsheetId(other))
            .execute();
    assertThat(copied.getTitle()).isEqualTo("Copy of Copy of Sheet1");
    assertThat(
            spreadsheets.values().get(other, "'Copy of Copy of Sheet1'!A1").execute().getValues())
        .containsExactly(row("kept"));
  }

  @Test
  void shouldRenameTheSpreadsheet() throws IOException {
    batch("{updateSpreadsheetProperties:{properties:{title:Keys},fields:'title,locale'}}");
    var properties = fixture.sheets.spreadsheets().get(ID).execute().getProperties();
    assertThat(properties.getTitle()).isEqualTo("Keys");
    assertThat(properties.getLocale()).isEqualTo("en_US");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{moveDimension:{source:{dimension:ROWS,startIndex:0,endIndex:1},destinationIndex:2}}",
        "{insertRange:{range:{endRowIndex:1,endColumnIndex:1},shiftDimension:ROWS}}",
        "{deleteRange:{range:{endRowIndex:1,endColumnIndex:1},shiftDimension:COLUMNS}}",
        "{copyPaste:{source:{endRowIndex:1,endColumnIndex:1},"
            + "destination:{startRowIndex:1,endRowIndex:2,endColumnIndex:1}}}",
        "{cutPaste:{source:{endRowIndex:1,endColumnIndex:1},destination:{rowIndex:5}}}",
        "{repeatCell:{range:{endRowIndex:1,endColumnIndex:1},fields:note,cell:{note:n}}}",
        "{findReplace:{find:before,replacement:after,allSheets:true}}",
        "{updateDimensionProperties:{range:{dimension:ROWS},fields:hiddenByUser,"
            + "properties:{hiddenByUser:true}}}",
        "{setBasicFilter:{filter:{}}}",
        "{addNamedRange:{namedRange:{name:n,range:{endRowIndex:1}}}}",
        "{addProtectedRange:{protectedRange:{range:{endRowIndex:1}}}}",
        "{duplicateSheet:{}}",
        "{updateSpreadsheetProperties:{properties:{title:after},fields:title}}"
      })
  void shouldRollBackEveryKindWhenALaterRequestIsRefused(String request) throws IOException {
    fixture.update("A1", List.of(List.of("before", "b"), List.of("c")));
    var all = fixture.sheets.spreadsheets().get(ID).setIncludeGridData(true);
    Spreadsheet before = all.execute();
    assertRefused(
        400,
        "Invalid requests[1].deleteSheet: No sheet with id: 99",
        () -> batch(request, "{deleteSheet:{sheetId:99}}"));
    assertThat(all.execute()).isEqualTo(before);
    batch(request);
    assertThat(all.execute()).isNotEqualTo(before);
  }

  @Test
  void shouldRefuseRequestsBeyondTheGrid() throws IOException {
    String message = " exceeds grid limits. Max rows: 1000, max columns: 26";
    String beyond = "{startRowIndex:999,endRowIndex:1001}";
    assertRefused(
        400,
        "Invalid requests[0].repeatCell: Range (Sheet1!A1000:Z1001)" + message,
        () -> batch("{repeatCell:{range:" + beyond + ",fields:note,cell:{note:n}}}"));
    assertRefused(
        400,
        "Invalid requests[0].cutPaste: Range (Sheet1!A1000:A1001)" + message,
        () ->
            batch(
                "{cutPaste:{source:{endRowIndex:2,endColumnIndex:1},destination:{rowIndex:999}}}"));
    assertRefused(
        400,
        "Invalid requests[0].appendDimension: A grid must have at least 1 row and 1 to 18278"
            + " columns, not 1000 and 18279.",
        () -> batch("{appendDimension:{dimension:COLUMNS,length:18253}}"));
    assertRefused(
        400,
        "Invalid requests[0].findReplace: Your input contains more than the maximum of 50000"
            + " characters in a single cell.",
        () -> {
          fixture.update("A1", List.of(List.of("x".repeat(30_000))));
          batch("{findReplace:{find:x,replacement:yz,sheetId:0}}");
        });
    batch("{appendDimension:{dimension:ROWS,length:200000}}");
    assertRefused(
        400,
        "Invalid requests[0].duplicateSheet: This action would increase the number of cells in the"
            + " workbook above the limit of 10000000 cells.",
        () -> batch("{duplicateSheet:{}}"));
  }

  @Test
  void shouldMigrateAWorkbookOfTheFirstFormat() throws Exception {
    fixture.update("A1", List.of(List.of("old")));
    workbook.close();
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + folder + "/workbook.db");
        var statement = connection.createStatement()) {
      statement.executeUpdate("ALTER TABLE sheet DROP COLUMN layout");
      statement.executeUpdate("ALTER TABLE spreadsheet DROP COLUMN named_ranges");
      statement.executeUpdate("PRAGMA user_version = 1");
    }
    open();
    assertThat(fixture.values("A1")).containsExactly(row("old"));
    batch("{setBasicFilter:{filter:{}}}");
  }

  private BatchUpdateSpreadsheetResponse batch(String... requests) throws IOException {
    Request[] parsed = new Request[requests.length];
    for (int i = 0; i < requests.length; i++) {
      // Lenient JSON: names and texts without quotes.
      var json = new Gson().fromJson(requests[i], JsonObject.class);
      parsed[i] = GsonFactory.getDefaultInstance().fromString(json.toString(), Request.class);
    }
    return fixture.batch(parsed);
  }

  private CellData cell(String range) throws IOException {
    return grid(range).getRowData().getLast().getValues().getFirst();
  }

  private GridData grid(String range) throws IOException {
    return fixture
        .sheets
        .spreadsheets()
        .get(ID)
        .setRanges(List.of(range))
        .setIncludeGridData(true)
        .execute()
        .getSheets()
        .getFirst()
        .getData()
        .getFirst();
  }

  private static List<Object> row(Object... values) {
    return List.of(values);
  }
}
