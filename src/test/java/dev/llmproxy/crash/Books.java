package dev.llmproxy.crash;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.Sheet;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.Workbook;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The records of the requests in the ledger and the workbook. They are read with plain SQL and by
 * the sheets' headers, not with the product's classes.
 *
 * @param ledger the rows of the ledger
 * @param sheets the rows of all users' sheets
 * @param counters the counters in the sheet {@code User API Keys}, by the hash of the key
 */
public record Books(List<Entry> ledger, List<SheetRow> sheets, Map<String, Count> counters) {
  private static final String REQUEST_ID = "Request ID";

  /**
   * A request in the ledger.
   *
   * @param settled whether it has a place in the order of settlement
   * @param status null unless settled
   */
  public record Entry(
      String requestId,
      String email,
      String keyHash,
      String model,
      boolean settled,
      String status,
      long tokensIn,
      long tokensOut) {}

  /** A request in a user's sheet. */
  public record SheetRow(
      String requestId, String email, String model, String status, long tokensIn, long tokensOut) {
    public static SheetRow of(Entry entry) {
      return new SheetRow(
          entry.requestId, entry.email, entry.model, entry.status, entry.tokensIn, entry.tokensOut);
    }
  }

  /** The usage of a key. */
  public record Count(long requests, long tokens) {
    static Count of(Entry entry) {
      return new Count(1, entry.tokensIn + entry.tokensOut);
    }

    Count plus(Count other) {
      return new Count(requests + other.requests, tokens + other.tokens);
    }
  }

  /** Reads the ledger in a folder, and the workbook. */
  static Books read(Path data, Workbook workbook) throws SQLException, IOException {
    String url = "jdbc:sqlite:" + data.resolve("ledger.db") + "?open_mode=1&busy_timeout=10000";
    return read(() -> DriverManager.getConnection(url), workbook);
  }

  /** Opens a connection to a ledger. */
  @FunctionalInterface
  public interface LedgerAt {
    Connection open() throws SQLException;
  }

  /** Reads the ledger in a database, and the workbook. */
  public static Books read(LedgerAt ledger, Workbook workbook) throws SQLException, IOException {
    // The ledger is read last: requests that it has not settled by now cannot be in the sheets.
    List<SheetRow> rows = new ArrayList<>();
    Map<String, Count> counters = new HashMap<>();
    Sheets client = workbook.client();
    for (String title : titles(client, workbook.spreadsheetId())) {
      List<List<Object>> cells = cells(client, workbook.spreadsheetId(), title);
      if (title.equals(ApiKeySheet.TITLE)) {
        for (ApiKeyRow row : new ApiKeySheet(cells).rows()) {
          counters.put(
              ApiKey.hashOfCell(row.apiKey()).orElseThrow(),
              new Count(row.requests(), row.tokens()));
        }
      } else if (!cells.isEmpty() && cells.get(0).contains(REQUEST_ID)) {
        rows.addAll(sheetRows(cells));
      }
    }
    return new Books(entries(ledger), rows, counters);
  }

  /** Whether all requests are settled and flushed; does not check that the records are right. */
  public boolean quiet() {
    Set<String> written = new HashSet<>();
    sheets.forEach(row -> written.add(row.requestId));
    return ledger.stream().allMatch(entry -> entry.settled && written.contains(entry.requestId))
        && counters.values().stream().mapToLong(Count::requests).sum() >= ledger.size();
  }

  /** The usage of each key according to the ledger. */
  public Map<String, Count> sums() {
    Map<String, Count> sums = new HashMap<>();
    ledger.forEach(entry -> sums.merge(entry.keyHash, Count.of(entry), Count::plus));
    return sums;
  }

  private static List<String> titles(Sheets client, String spreadsheetId) throws IOException {
    List<String> titles = new ArrayList<>();
    for (Sheet sheet :
        client
            .spreadsheets()
            .get(spreadsheetId)
            .setFields("sheets.properties(title)")
            .execute()
            .getSheets()) {
      titles.add(sheet.getProperties().getTitle());
    }
    return titles;
  }

  private static List<List<Object>> cells(Sheets client, String spreadsheetId, String title)
      throws IOException {
    List<List<Object>> cells =
        client
            .spreadsheets()
            .values()
            .get(spreadsheetId, "'" + title + "'!A1:Z")
            .setValueRenderOption("UNFORMATTED_VALUE")
            .execute()
            .getValues();
    return cells == null ? List.of() : cells;
  }

  private static List<SheetRow> sheetRows(List<List<Object>> cells) {
    List<Object> header = cells.get(0);
    List<SheetRow> rows = new ArrayList<>();
    for (List<Object> row : cells.subList(1, cells.size())) {
      rows.add(
          new SheetRow(
              text(row, header.indexOf(REQUEST_ID)),
              text(row, header.indexOf("Email")),
              text(row, header.indexOf("Model")),
              text(row, header.indexOf("Status")),
              number(row, header.indexOf("Tokens In")),
              number(row, header.indexOf("Tokens Out"))));
    }
    return rows;
  }

  private static String text(List<Object> row, int column) {
    return column < row.size() ? row.get(column).toString() : "";
  }

  private static long number(List<Object> row, int column) {
    return column < row.size() && row.get(column) instanceof Number number
        ? number.longValue()
        : -1;
  }

  private static List<Entry> entries(LedgerAt ledger) throws SQLException {
    List<Entry> entries = new ArrayList<>();
    try (Connection connection = ledger.open();
        Statement select = connection.createStatement();
        ResultSet row =
            select.executeQuery(
                "select request_id, email, key_hash, model, sequence is not null, status, tokens_in, tokens_out"
                    + " from request")) {
      while (row.next()) {
        entries.add(
            new Entry(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getBoolean(5),
                row.getString(6),
                row.getLong(7),
                row.getLong(8)));
      }
    }
    return entries;
  }
}
