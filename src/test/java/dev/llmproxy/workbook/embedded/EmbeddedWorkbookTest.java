package dev.llmproxy.workbook.embedded;

import static dev.llmproxy.workbook.embedded.WorkbookFixture.ID;
import static dev.llmproxy.workbook.embedded.WorkbookFixture.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.services.sheets.v4.model.AppendCellsRequest;
import com.google.api.services.sheets.v4.model.AppendDimensionRequest;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.CellFormat;
import com.google.api.services.sheets.v4.model.GridData;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.SpreadsheetProperties;
import com.google.api.services.sheets.v4.model.TextFormat;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedWorkbookTest {
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
  void shouldStartWithOneSpreadsheetOfOneSheet() throws IOException {
    Spreadsheet spreadsheet = fixture.sheets.spreadsheets().get(ID).execute();
    assertThat(spreadsheet.getProperties().getTitle()).isEqualTo("llmproxy");
    assertThat(spreadsheet.getSheets()).hasSize(1);
    assertThat(spreadsheet.getSheets().getFirst().getProperties().getTitle()).isEqualTo("Sheet1");
    assertThat(spreadsheet.getSheets().getFirst().getData()).isNull();
  }

  @Test
  void shouldHaveTheSameContentAfterReopening() throws IOException {
    fixture.update("A1", List.of(List.of("kept", 1.5)));
    workbook.close();
    open();
    assertThat(fixture.values("A1:B1").getFirst().getFirst()).isEqualTo("kept");
  }

  @Test
  void shouldRefuseASecondOpenerWhileTheUrlFileExists() throws IOException {
    assertThatThrownBy(() -> EmbeddedWorkbook.open(folder, 0))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is open already");
    Path url = folder.resolve("workbook.url");
    assertThat(Files.readString(url)).isEqualTo(workbook.rootUrl() + "\n");
    workbook.close();
    assertThat(url).doesNotExist();
    workbook.close(); // a second time does nothing
  }

  @Test
  void shouldRefuseAPortThatIsTaken(@TempDir Path other) {
    int port = URI.create(workbook.rootUrl()).getPort();
    assertThatThrownBy(() -> EmbeddedWorkbook.open(other, port))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot listen on 127.0.0.1:" + port);
    assertThat(other.resolve("workbook.url")).doesNotExist();
  }

  @Test
  void shouldCreateSpreadsheetsWithCells() throws IOException {
    var sheet =
        new Sheet()
            .setProperties(new SheetProperties().setTitle("Index"))
            .setData(List.of(new GridData().setStartRow(1).setRowData(List.of(row("a", 1)))));
    var wanted =
        new Spreadsheet()
            .setProperties(new SpreadsheetProperties().setTitle("Usage 2026"))
            .setSheets(List.of(sheet));
    Spreadsheet created = fixture.sheets.spreadsheets().create(wanted).execute();
    assertThat(created.getSpreadsheetId()).hasSize(44);
    assertThat(created.getProperties().getTitle()).isEqualTo("Usage 2026");
    assertThat(fixture.sheets.spreadsheets().get(created.getSpreadsheetId()).execute())
        .isEqualTo(created);
    var values = fixture.sheets.spreadsheets().values();
    assertThat(values.get(created.getSpreadsheetId(), "Index!A2:B").execute().getValues())
        .containsExactly(List.of("a", "1"));
  }

  @Test
  void shouldReturnCellsOnRequestAndApplyMasks() throws IOException {
    CellData bold =
        row("a")
            .getValues()
            .getFirst()
            .setNote("n")
            .setUserEnteredFormat(new CellFormat().setTextFormat(new TextFormat().setBold(true)));
    fixture.batch(append("*", new RowData().setValues(List.of(bold))));
    var data =
        fixture
            .sheets
            .spreadsheets()
            .get(ID)
            .setIncludeGridData(true)
            .setRanges(List.of("A1:B9"))
            .execute()
            .getSheets()
            .getFirst()
            .getData()
            .getFirst();
    CellData cell = data.getRowData().getFirst().getValues().getFirst();
    assertThat(cell.getFormattedValue()).isEqualTo("a");
    assertThat(cell.getEffectiveValue().getStringValue()).isEqualTo("a");
    assertThat(cell.getNote()).isEqualTo("n");
    assertThat(cell.getUserEnteredFormat().getTextFormat().getBold()).isTrue();

    Spreadsheet masked =
        fixture
            .sheets
            .spreadsheets()
            .get(ID)
            .setFields("sheets(properties(sheetId,gridProperties/rowCount))")
            .execute();
    assertThat(masked).containsOnlyKeys("sheets");
    assertThat(masked.getSheets().getFirst()).containsOnlyKeys("properties");
    assertThat(masked.getSheets().getFirst().getProperties())
        .containsOnlyKeys("sheetId", "gridProperties");
  }

  @Test
  void shouldRefuseForeignHostsAndWebPages() throws Exception {
    assertThat(rawStatus("GET", "Host: evil.example")).contains("403");
    assertThat(rawStatus("GET", "Host: LOCALHOST:1")).contains("200");
    String change = "v4/spreadsheets/llmproxy/values/A1:clear";
    assertThat(post(change, "application/json", null).statusCode()).isEqualTo(200);
    assertThat(post(change, "application/json", "http://evil.example").statusCode()).isEqualTo(403);
    HttpResponse<String> form = post(change, "text/plain", null);
    assertThat(form.statusCode()).isEqualTo(400);
    assertThat(form.body()).contains("INVALID_ARGUMENT", "application/json");
    assertThat(post("v4/nothing", "application/json", null).statusCode()).isEqualTo(404);
  }

  @Test
  void shouldAbortAnAnswerThatFailsHalfway() throws Exception {
    fixture.update("A1", Collections.nCopies(1_000, List.of("a value of some length ".repeat(5))));
    workbook.close();
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + folder + "/workbook.db");
        var statement = connection.createStatement()) {
      statement.executeUpdate("UPDATE grid_row SET cells = 'damaged' WHERE row_index = 900");
    }
    open();
    URI early = URI.create(workbook.rootUrl() + "v4/spreadsheets/llmproxy/values/A901");
    URI late = URI.create(workbook.rootUrl() + "v4/spreadsheets/llmproxy/values/A:A");
    try (HttpClient client = HttpClient.newHttpClient()) {
      var refused = client.send(HttpRequest.newBuilder(early).build(), BodyHandlers.ofString());
      assertThat(refused.statusCode()).isEqualTo(500);
      assertThat(refused.body()).contains("\"status\":\"INTERNAL\"").doesNotContain("damaged");
      assertThatThrownBy(
              () -> client.send(HttpRequest.newBuilder(late).build(), BodyHandlers.ofString()))
          .isInstanceOf(IOException.class);
    }
    assertThat(fixture.values("A1:A2")).hasSize(2);
  }

  @Test
  void shouldLoseNoRowOfConcurrentAppends() throws Exception {
    try (var senders = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> sent = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        int number = i;
        sent.add(senders.submit(() -> fixture.batch(append("userEnteredValue", row(number)))));
        sent.add(senders.submit(() -> fixture.values("A:A")));
      }
      for (Future<?> one : sent) {
        one.get();
      }
    }
    assertThat(fixture.values("A:A").stream().map(values -> values.getFirst().toString()))
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, 40).mapToObj(Integer::toString).toList());
  }

  @Test
  void shouldWriteAndReadManyRowsQuickly() throws IOException {
    fixture.batch(
        new Request()
            .setAppendDimension(
                new AppendDimensionRequest().setSheetId(0).setDimension("ROWS").setLength(49_000)));
    List<Object> key = List.of("k", "name", "a@example.com", 1, 2, 3, true, "", "x", "y");
    fixture.update("A1", Collections.nCopies(50_000, key));
    RowData[] rows = Collections.nCopies(2_000, row(key.toArray())).toArray(RowData[]::new);
    long start = System.nanoTime();
    fixture.batch(append("userEnteredValue", rows));
    Duration appended = Duration.ofNanos(System.nanoTime() - start);
    start = System.nanoTime();
    assertThat(fixture.values("Sheet1!A1:J50000")).hasSize(50_000);
    Duration read = Duration.ofNanos(System.nanoTime() - start);
    System.out.printf("append of 2,000 rows: %s, read of 50,000: %s%n", appended, read);
    // The bounds are wide: they must detect a wrong order of growth, not a busy machine.
    assertThat(appended).isLessThan(Duration.ofSeconds(60));
    assertThat(read).isLessThan(Duration.ofSeconds(60));
  }

  private HttpResponse<String> post(String path, String type, String origin) throws Exception {
    var request =
        HttpRequest.newBuilder(URI.create(workbook.rootUrl() + path))
            .header("Content-Type", type)
            .POST(HttpRequest.BodyPublishers.ofString("{}"));
    if (origin != null) {
      request.header("Origin", origin);
    }
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request.build(), BodyHandlers.ofString());
    }
  }

  /** Over a plain socket, because the JDK's client does not allow a Host header. */
  private String rawStatus(String method, String host) throws IOException {
    int port = URI.create(workbook.rootUrl()).getPort();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      String request = method + " /v4/spreadsheets/llmproxy HTTP/1.1\r\n" + host + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      return new String(in.readNBytes(12), StandardCharsets.US_ASCII);
    }
  }

  private static Request append(String fields, RowData... rows) {
    return new Request()
        .setAppendCells(
            new AppendCellsRequest().setSheetId(0).setFields(fields).setRows(List.of(rows)));
  }
}
