package dev.llmproxy.workbook.embedded;

import static dev.llmproxy.workbook.embedded.WorkbookFixture.ID;
import static dev.llmproxy.workbook.embedded.WorkbookFixture.assertRefused;
import static dev.llmproxy.workbook.embedded.WorkbookFixture.row;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.model.AddChartRequest;
import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.AppendCellsRequest;
import com.google.api.services.sheets.v4.model.AppendDimensionRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.DeleteDimensionRequest;
import com.google.api.services.sheets.v4.model.DeleteSheetRequest;
import com.google.api.services.sheets.v4.model.DimensionRange;
import com.google.api.services.sheets.v4.model.GridCoordinate;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.GridRange;
import com.google.api.services.sheets.v4.model.InsertDimensionRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.SortRangeRequest;
import com.google.api.services.sheets.v4.model.SortSpec;
import com.google.api.services.sheets.v4.model.UpdateCellsRequest;
import com.google.api.services.sheets.v4.model.UpdateSheetPropertiesRequest;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchUpdateTest {
  @TempDir Path folder;
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
  void shouldAddSheets() throws IOException {
    var response = fixture.batch(addSheet("users", 7, 1, 10), addSheet(null, null, 5, 5));
    SheetProperties given = response.getReplies().get(0).getAddSheet().getProperties();
    assertThat(given.getSheetId()).isEqualTo(7);
    assertThat(given.getIndex()).isEqualTo(1);
    assertThat(given.getSheetType()).isEqualTo("GRID");
    assertThat(given.getGridProperties().getColumnCount()).isEqualTo(10);
    SheetProperties generated = response.getReplies().get(1).getAddSheet().getProperties();
    assertThat(generated.getSheetId()).isPositive();
    assertThat(titles()).containsExactly("Sheet1", "users", generated.getTitle());
  }

  @Test
  void shouldAddAHiddenSheetInFront() throws IOException {
    var properties = new SheetProperties().setTitle("_sync").setHidden(true).setIndex(0);
    fixture.batch(new Request().setAddSheet(new AddSheetRequest().setProperties(properties)));
    assertThat(titles()).containsExactly("_sync", "Sheet1");
    assertThat(sheet("_sync").getProperties().getHidden()).isTrue();
    assertThat(sheet("_sync").getProperties().getGridProperties().getRowCount()).isEqualTo(1000);
  }

  @Test
  void shouldRefuseSheetsThatExist() {
    assertRefused(
        400,
        "Invalid requests[0].addSheet: A sheet with the name \"sheet1\" already exists. Please enter"
            + " another name.",
        () -> fixture.batch(addSheet("sheet1", null, 1, 1)));
    assertRefused(
        400,
        "Invalid requests[1].addSheet: A sheet with the id 7 already exists. Please use another id.",
        () -> fixture.batch(addSheet("a", 7, 1, 1), addSheet("b", 7, 1, 1)));
    assertRefused(
        400,
        "Invalid requests[0].addSheet: This action would increase the number of cells in the workbook"
            + " above the limit of 10000000 cells.",
        () -> fixture.batch(addSheet("big", null, 1_000_000, 10)));
  }

  @Test
  void shouldChangeNothingWhenTheLastRequestIsRefused() throws IOException {
    fixture.update("A1", List.of(List.of("before")));
    assertRefused(
        400,
        "Invalid requests[3].appendCells: No grid with id: 99",
        () ->
            fixture.batch(
                addSheet("users", 7, 1, 10),
                append(7, row("header")),
                updateAt(0, 0, 0, row("after")),
                append(99, row("x"))));
    assertThat(titles()).containsExactly("Sheet1");
    assertThat(fixture.values("A:A")).containsExactly(List.of("before"));
  }

  @Test
  void shouldApplyAWholeFlush() throws IOException {
    var response =
        fixture.batch(
            addSheet("users", 7, 1, 3),
            updateAt(7, 0, 0, row("time", "model", "tokens")),
            append(7, row("t1", "m", 1), row("t2", null, 2.5)),
            append(7, row("t3")),
            updateAt(0, 4, 5, row("ledger", 17)));
    assertThat(response.getReplies()).hasSize(5);
    assertThat(fixture.values("users"))
        .containsExactly(
            List.of("time", "model", "tokens"),
            List.of("t1", "m", new BigDecimal(1)),
            List.of("t2", "", new BigDecimal("2.5")),
            List.of("t3"));
    assertThat(fixture.values("Sheet1!F5:G5"))
        .containsExactly(List.of("ledger", new BigDecimal(17)));
    assertThat(sheet("users").getProperties().getGridProperties().getRowCount()).isEqualTo(4);
  }

  @Test
  void shouldWriteIntoARangeAndClearItsRest() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b", "c"), List.of("d", "e", "f")));
    var range = new GridRange().setSheetId(0).setStartColumnIndex(1).setEndRowIndex(2);
    fixture.batch(updateRange(range.setEndColumnIndex(3), row("x")));
    assertThat(fixture.values("A1:C2")).containsExactly(List.of("a", "x"), List.of("d"));
    assertRefused(
        400,
        "Invalid requests[0].updateCells: Attempting to write column: 3, beyond the last requested"
            + " column of: 2",
        () -> fixture.batch(updateRange(range, row(1, 2, 3))));
  }

  @Test
  void shouldRefuseWritesThatDoNotFit() {
    assertRefused(
        400,
        "Invalid requests[0].updateCells: Attempting to write row: 1000, beyond the last available row"
            + " of: 999",
        () -> fixture.batch(updateAt(0, 999, 0, row("a"), row("b"))));
    assertRefused(
        400,
        "Invalid requests[0].appendCells: At least one field must be listed in 'fields'. (Use '*' to"
            + " indicate all fields.)",
        () ->
            fixture.batch(
                new Request().setAppendCells(new AppendCellsRequest().setRows(List.of(row("a"))))));
    assertRefused(
        400,
        "Invalid requests[0].addChart: The embedded workbook does not support this request.",
        () -> fixture.batch(new Request().setAddChart(new AddChartRequest())));
    assertRefused(400, "Must specify at least one request.", () -> fixture.batch());
  }

  @Test
  void shouldNameAMisspeltField() {
    Request misspelt = new Request();
    misspelt.set("addSheat", new AddSheetRequest());
    assertRefused(
        400,
        "Invalid JSON payload received. Unknown name \"addSheat\" at 'requests[0]': Cannot find field.",
        () -> fixture.batch(misspelt));
  }

  @Test
  void shouldDeleteSheetsButNotTheLast() throws IOException {
    fixture.batch(addSheet("users", 7, 10, 3), append(7, row("gone")));
    fixture.batch(deleteSheet(7), addSheet("users", 7, 10, 3));
    assertThat(fixture.values("users")).isNull();
    fixture.batch(deleteSheet(7));
    assertRefused(
        400,
        "Invalid requests[0].deleteSheet: No sheet with id: 7",
        () -> fixture.batch(deleteSheet(7)));
    assertRefused(
        400,
        "Invalid requests[0].deleteSheet: You can't remove all the sheets in a document.",
        () -> fixture.batch(deleteSheet(0)));
  }

  @Test
  void shouldUpdateOnlyTheSelectedProperties() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b"), List.of("c", "d")));
    var grid = new GridProperties().setFrozenRowCount(1).setRowCount(2).setColumnCount(1);
    fixture.batch(
        properties(new SheetProperties().setTitle("Keys").setHidden(true), "title"),
        properties(new SheetProperties().setGridProperties(grid), "gridProperties.frozenRowCount"));
    SheetProperties changed = sheet("Keys").getProperties();
    assertThat(changed.getHidden()).isNull();
    assertThat(changed.getGridProperties().getFrozenRowCount()).isEqualTo(1);
    assertThat(changed.getGridProperties().getRowCount()).isEqualTo(1000);

    fixture.batch(
        properties(
            new SheetProperties().setGridProperties(grid),
            "gridProperties(rowCount,columnCount,frozenRowCount)"));
    assertThat(fixture.values("Keys")).containsExactly(List.of("a"), List.of("c"));
    assertRefused(
        400,
        "Invalid requests[0].updateSheetProperties: You can't hide all the sheets in a document.",
        () -> fixture.batch(properties(new SheetProperties().setHidden(true), "hidden")));
  }

  @Test
  void shouldMoveSheetsAsGoogleCounts() throws IOException {
    fixture.batch(addSheet("b", 1, 1, 1), addSheet("c", 2, 1, 1));
    fixture.batch(properties(new SheetProperties().setSheetId(0).setIndex(2), "index"));
    assertThat(titles()).containsExactly("b", "Sheet1", "c");
    fixture.batch(properties(new SheetProperties().setSheetId(2).setIndex(0), "index"));
    assertThat(titles()).containsExactly("c", "b", "Sheet1");
  }

  @Test
  void shouldInsertAndDeleteRows() throws IOException {
    fixture.update("A1", List.of(List.of(1), List.of(2), List.of(3), List.of(4)));
    fixture.batch(
        new Request()
            .setInsertDimension(new InsertDimensionRequest().setRange(span("ROWS", 1, 3))));
    assertThat(column("A:A")).containsExactly("1", null, null, "2", "3", "4");
    fixture.batch(
        new Request()
            .setDeleteDimension(new DeleteDimensionRequest().setRange(span("ROWS", 0, 4))));
    assertThat(column("A:A")).containsExactly("3", "4");
    assertThat(sheet("Sheet1").getProperties().getGridProperties().getRowCount()).isEqualTo(998);
    assertRefused(
        400,
        "Invalid requests[0].deleteDimension: You can't delete all the rows on the sheet.",
        () ->
            fixture.batch(
                new Request()
                    .setDeleteDimension(
                        new DeleteDimensionRequest().setRange(span("ROWS", 0, 998)))));
  }

  @Test
  void shouldInsertDeleteAndAppendColumns() throws IOException {
    fixture.update("A1", List.of(List.of("a", "b", "c"), List.of("d")));
    fixture.batch(
        new Request()
            .setInsertDimension(new InsertDimensionRequest().setRange(span("COLUMNS", 1, 2))));
    assertThat(fixture.values("A1:E2")).containsExactly(List.of("a", "", "b", "c"), List.of("d"));
    fixture.batch(
        new Request()
            .setDeleteDimension(new DeleteDimensionRequest().setRange(span("COLUMNS", 0, 2))));
    assertThat(fixture.values("A1:E2")).containsExactly(List.of("b", "c"));
    fixture.batch(
        new Request()
            .setAppendDimension(
                new AppendDimensionRequest().setSheetId(0).setDimension("COLUMNS").setLength(3)));
    assertThat(sheet("Sheet1").getProperties().getGridProperties().getColumnCount()).isEqualTo(28);
  }

  @Test
  void shouldSortNumbersTextBooleansBlanks() throws IOException {
    fixture.update(
        "A1",
        List.of(
            List.of("key", "row"),
            List.of("b", 1),
            List.of("", 2),
            List.of(10, 3),
            List.of(true, 4),
            List.of("A", 5),
            List.of(9, 6)));
    var range = new GridRange().setSheetId(0).setStartRowIndex(1);
    fixture.batch(sort(range, "ASCENDING"));
    assertThat(column("A2:A")).containsExactly("9", "10", "A", "b", "true");
    assertThat(column("B2:B")).containsExactly("6", "3", "5", "1", "4", "2");
    fixture.batch(sort(range, "DESCENDING"));
    assertThat(column("B2:B")).containsExactly("4", "1", "5", "3", "6", "2");
    assertThat(fixture.values("A1:B1")).containsExactly(List.of("key", "row"));
  }

  @Test
  void shouldReturnTheUpdatedSpreadsheet() throws IOException {
    var body =
        new BatchUpdateSpreadsheetRequest()
            .setRequests(List.of(updateAt(0, 0, 0, row("a"))))
            .setIncludeSpreadsheetInResponse(true)
            .setResponseIncludeGridData(true)
            .setResponseRanges(List.of("A1:B2"));
    var updated =
        fixture.sheets.spreadsheets().batchUpdate(ID, body).execute().getUpdatedSpreadsheet();
    assertThat(updated.getSheets().getFirst().getData().getFirst().getRowData()).hasSize(1);
  }

  private List<String> titles() throws IOException {
    return fixture.sheets.spreadsheets().get(ID).execute().getSheets().stream()
        .map(sheet -> sheet.getProperties().getTitle())
        .toList();
  }

  private Sheet sheet(String title) throws IOException {
    return fixture.sheets.spreadsheets().get(ID).execute().getSheets().stream()
        .filter(sheet -> sheet.getProperties().getTitle().equals(title))
        .findFirst()
        .orElseThrow();
  }

  private List<String> column(String range) throws IOException {
    return fixture.values(range).stream()
        .map(row -> row.isEmpty() ? null : row.getFirst().toString())
        .toList();
  }

  private static Request addSheet(String title, Integer id, int rows, int columns) {
    var grid = new GridProperties().setRowCount(rows).setColumnCount(columns);
    var properties = new SheetProperties().setTitle(title).setSheetId(id).setGridProperties(grid);
    return new Request().setAddSheet(new AddSheetRequest().setProperties(properties));
  }

  private static Request deleteSheet(int id) {
    return new Request().setDeleteSheet(new DeleteSheetRequest().setSheetId(id));
  }

  private static Request append(int sheetId, RowData... rows) {
    return new Request()
        .setAppendCells(
            new AppendCellsRequest()
                .setSheetId(sheetId)
                .setFields("userEnteredValue")
                .setRows(List.of(rows)));
  }

  private static Request updateAt(int sheetId, int row, int column, RowData... rows) {
    var start = new GridCoordinate().setSheetId(sheetId).setRowIndex(row).setColumnIndex(column);
    return new Request()
        .setUpdateCells(
            new UpdateCellsRequest()
                .setStart(start)
                .setFields("userEnteredValue")
                .setRows(List.of(rows)));
  }

  private static Request updateRange(GridRange range, RowData... rows) {
    return new Request()
        .setUpdateCells(
            new UpdateCellsRequest().setRange(range).setFields("*").setRows(List.of(rows)));
  }

  private static Request properties(SheetProperties properties, String fields) {
    return new Request()
        .setUpdateSheetProperties(
            new UpdateSheetPropertiesRequest().setProperties(properties).setFields(fields));
  }

  private static DimensionRange span(String dimension, int start, int end) {
    return new DimensionRange()
        .setSheetId(0)
        .setDimension(dimension)
        .setStartIndex(start)
        .setEndIndex(end);
  }

  private static Request sort(GridRange range, String order) {
    return new Request()
        .setSortRange(
            new SortRangeRequest()
                .setRange(range)
                .setSortSpecs(List.of(new SortSpec().setDimensionIndex(0).setSortOrder(order))));
  }
}
