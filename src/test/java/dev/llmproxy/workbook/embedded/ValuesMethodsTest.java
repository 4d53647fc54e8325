package dev.llmproxy.workbook.embedded;

import static dev.llmproxy.workbook.embedded.WorkbookFixture.ID;
import static dev.llmproxy.workbook.embedded.WorkbookFixture.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.google.api.client.util.Data;
import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.AppendValuesResponse;
import com.google.api.services.sheets.v4.model.BatchClearValuesRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateValuesRequest;
import com.google.api.services.sheets.v4.model.ClearValuesRequest;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.ValueRange;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ValuesMethodsTest {
  @TempDir Path folder;
  private EmbeddedWorkbook workbook;
  private WorkbookFixture fixture;
  private Sheets.Spreadsheets.Values values;

  @BeforeEach
  void open() throws IOException {
    workbook = EmbeddedWorkbook.open(folder, 0);
    fixture = new WorkbookFixture(workbook);
    values = fixture.sheets.spreadsheets().values();
  }

  @AfterEach
  void close() {
    workbook.close();
  }

  @Test
  void shouldReadRaggedRowsWithoutTrailingBlanks() throws IOException {
    fixture.update("B2", List.of(List.of("a", "", ""), List.of(), List.of("", 1.5, true)));
    ValueRange read =
        values.get(ID, "Sheet1!A1:J").setValueRenderOption("UNFORMATTED_VALUE").execute();
    assertThat(read.getRange()).isEqualTo("Sheet1!A1:J1000");
    assertThat(read.getMajorDimension()).isEqualTo("ROWS");
    assertThat(read.getValues())
        .containsExactly(
            List.of(), List.of("", "a"), List.of(), List.of("", "", new BigDecimal("1.5"), true));
    assertThat(fixture.values("Sheet1!E:F")).isNull();
  }

  @Test
  void shouldRenderValues() throws IOException {
    var typed = new ValueRange().setValues(List.of(List.of("=1+1", "1,000", "true", "text")));
    values.update(ID, "A1", typed).setValueInputOption("USER_ENTERED").execute();
    assertThat(values.get(ID, "A1:D1").execute().getValues())
        .containsExactly(List.of("=1+1", "1000", "TRUE", "text"));
    assertThat(values.get(ID, "A1:D1").setValueRenderOption("FORMULA").execute().getValues())
        .containsExactly(List.of("=1+1", new BigDecimal("1000"), true, "text"));
  }

  @Test
  void shouldKeepFormulasAsTextWhenRaw() throws IOException {
    fixture.update("A1", List.of(List.of("=HYPERLINK(\"http://x\")", "'quoted", "007")));
    var read =
        fixture
            .sheets
            .spreadsheets()
            .get(ID)
            .setFields("sheets/data/rowData/values/userEnteredValue")
            .execute();
    var cells =
        read.getSheets().getFirst().getData().getFirst().getRowData().getFirst().getValues();
    assertThat(cells)
        .extracting(cell -> cell.getUserEnteredValue().getStringValue())
        .containsExactly("=HYPERLINK(\"http://x\")", "'quoted", "007");
  }

  @Test
  void shouldReadAndWriteByColumns() throws IOException {
    var columns =
        new ValueRange()
            .setMajorDimension("COLUMNS")
            .setValues(List.of(List.of("a", "b"), List.of("c")));
    values.update(ID, "A1:B2", columns).setValueInputOption("RAW").execute();
    assertThat(fixture.values("A1:B2")).containsExactly(List.of("a", "c"), List.of("b"));
    assertThat(values.get(ID, "A1:C2").setMajorDimension("COLUMNS").execute().getValues())
        .containsExactly(List.of("a", "b"), List.of("c"));
  }

  @Test
  void shouldSkipNullsAndReportTheWrittenCells() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b", "c")));
    var body = new ValueRange().setValues(List.of(List.of("x", Data.nullOf(Object.class), "")));
    var response =
        values
            .update(ID, "Sheet1!A1", body)
            .setValueInputOption("RAW")
            .setIncludeValuesInResponse(true)
            .execute();
    assertThat(response.getUpdatedRange()).isEqualTo("Sheet1!A1:C1");
    assertThat(response.getUpdatedCells()).isEqualTo(2);
    assertThat(response.getUpdatedData().getValues()).containsExactly(List.of("x", "b"));
  }

  @Test
  void shouldRefuseRangesAndValuesBeyondTheGrid() throws IOException {
    List<List<Object>> twoRows = List.of(List.of("a"), List.of("b"));
    assertRefused(
        400,
        "Range (Sheet1!A1001) exceeds grid limits. Max rows: 1000, max columns: 26",
        () -> fixture.update("A1001", twoRows));
    assertRefused(
        400,
        "Range (Sheet1!A1000:A1001) exceeds grid limits. Max rows: 1000, max columns: 26",
        () -> fixture.update("A1000", twoRows));
    assertRefused(
        400,
        "Range (Sheet1!AA1) exceeds grid limits. Max rows: 1000, max columns: 26",
        () -> fixture.values("AA1"));
    assertRefused(
        400,
        "Requested writing within range [Sheet1!A1:B1], but tried writing to row [2]",
        () -> fixture.update("A1:B1", twoRows));
    assertThat(fixture.values("A:Z")).isNull();
  }

  @Test
  void shouldRefuseUnreadableRequests() {
    assertRefused(400, "Unable to parse range: Nowhere!A1", () -> fixture.values("Nowhere!A1"));
    assertRefused(400, "Unable to parse range: Sheet1!1A", () -> fixture.values("Sheet1!1A"));
    assertRefused(
        404, "Requested entity was not found.", () -> values.get("unknown", "A1").execute());
    assertRefused(
        400,
        "'valueInputOption' is required but not specified",
        () -> values.update(ID, "A1", new ValueRange().setValues(List.of())).execute());
  }

  @Test
  void shouldReadSeveralRangesAtOnce() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b")));
    var read = values.batchGet(ID).setRanges(List.of("A:A", "Sheet1!B1", "C1:D9")).execute();
    assertThat(read.getSpreadsheetId()).isEqualTo(ID);
    assertThat(read.getValueRanges())
        .extracting(ValueRange::getRange, ValueRange::getValues)
        .containsExactly(
            tuple("Sheet1!A1:A1000", List.of(List.of("a"))),
            tuple("Sheet1!B1", List.of(List.of("b"))),
            tuple("Sheet1!C1:D9", null));
  }

  @Test
  void shouldReadMoreRangesThanFitIntoAUrl() throws IOException {
    fixture.update("A1", List.of(List.of("a")));
    var read = values.batchGet(ID).setRanges(Collections.nCopies(500, "'Sheet1'!A1:B2")).execute();
    assertThat(read.getValueRanges()).hasSize(500);
  }

  @Test
  void shouldWriteSeveralRangesOrNone() throws IOException {
    var body =
        new BatchUpdateValuesRequest()
            .setValueInputOption("RAW")
            .setData(List.of(range("A1:B1", "a", "b"), range("A3", "c")));
    var response = values.batchUpdate(ID, body).execute();
    assertThat(response.getTotalUpdatedCells()).isEqualTo(3);
    assertThat(response.getTotalUpdatedRows()).isEqualTo(2);
    assertThat(response.getTotalUpdatedSheets()).isEqualTo(1);
    assertThat(response.getResponses()).hasSize(2);

    var bad =
        new BatchUpdateValuesRequest()
            .setValueInputOption("RAW")
            .setData(List.of(range("A1", "changed"), range("No!A1", "x")));
    assertRefused(
        400,
        "Invalid data[1]: Unable to parse range: No!A1",
        () -> values.batchUpdate(ID, bad).execute());
    assertThat(fixture.values("A:B")).containsExactly(List.of("a", "b"), List.of(), List.of("c"));
  }

  @Test
  void shouldAppendAfterTheTable() throws IOException {
    fixture.update("B2", List.of(List.of("h1", "h2"), List.of("a")));
    AppendValuesResponse response = append("Sheet1!A1:J", "OVERWRITE", "b", 2);
    assertThat(response.getTableRange()).isEqualTo("Sheet1!B2:C3");
    assertThat(response.getUpdates().getUpdatedRange()).isEqualTo("Sheet1!B4:C4");
    assertThat(fixture.values("B4:C4")).containsExactly(List.of("b", new BigDecimal(2)));
  }

  @Test
  void shouldAppendToABlankSheetAndToTheTableInTheRange() throws IOException {
    AppendValuesResponse first = append("Sheet1", "OVERWRITE", "a");
    assertThat(first.getTableRange()).isNull();
    assertThat(first.getUpdates().getUpdatedRange()).isEqualTo("Sheet1!A1");
    fixture.update("D5", List.of(List.of("other table")));
    assertThat(append("A1", "OVERWRITE", "b").getUpdates().getUpdatedRange())
        .isEqualTo("Sheet1!A2");
    assertThat(append("A:J", "OVERWRITE", "c").getTableRange()).isEqualTo("Sheet1!D5");
  }

  @Test
  void shouldInsertRowsWhenAskedTo() throws IOException {
    fixture.update("A1", List.of(List.of("a"), List.of(), List.of("below")));
    append("A1", "INSERT_ROWS", "b");
    assertThat(fixture.values("A:A"))
        .containsExactly(List.of("a"), List.of("b"), List.of(), List.of("below"));
  }

  @Test
  void shouldGrowTheGridInRowsOnAppend() throws IOException {
    var grid = new GridProperties().setRowCount(1).setColumnCount(2);
    var sheet = new SheetProperties().setTitle("small").setGridProperties(grid);
    fixture.batch(new Request().setAddSheet(new AddSheetRequest().setProperties(sheet)));
    append("small!A1", "OVERWRITE", "a");
    append("small!A1", "OVERWRITE", "b");
    assertThat(values.get(ID, "small").execute().getRange()).isEqualTo("small!A1:B2");
    assertRefused(
        400,
        "Range (small!A3:C3) exceeds grid limits. Max rows: 3, max columns: 2",
        () -> append("small!A1", "OVERWRITE", 1, 2, 3));
    assertThat(values.get(ID, "small").execute().getRange()).isEqualTo("small!A1:B2");
  }

  @Test
  void shouldClear() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b"), List.of("c", "d")));
    var cleared = values.clear(ID, "Sheet1!A2:B", new ClearValuesRequest()).execute();
    assertThat(cleared.getClearedRange()).isEqualTo("Sheet1!A2:B1000");
    assertThat(fixture.values("A:B")).containsExactly(List.of("a", "b"));
    var ranges = new BatchClearValuesRequest().setRanges(List.of("A1", "B1:B2"));
    assertThat(values.batchClear(ID, ranges).execute().getClearedRanges())
        .containsExactly("Sheet1!A1", "Sheet1!B1:B2");
    assertThat(fixture.values("A:B")).isNull();
  }

  private AppendValuesResponse append(String range, String insert, Object... row)
      throws IOException {
    return values
        .append(ID, range, range(null, row))
        .setValueInputOption("RAW")
        .setInsertDataOption(insert)
        .execute();
  }

  private static ValueRange range(String range, Object... row) {
    return new ValueRange().setRange(range).setValues(List.of(List.of(row)));
  }
}
