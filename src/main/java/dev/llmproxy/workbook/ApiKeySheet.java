package dev.llmproxy.workbook;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * The sheet {@code User API Keys}, as read. Columns are found by their header, because people
 * reorder columns and add some. Only the letters and digits of a header count: white space,
 * invisible characters and capitals make no difference.
 */
public final class ApiKeySheet {
  public static final String TITLE = "User API Keys";
  public static final String API_KEY = "API Key";
  public static final String USER_EMAIL = "User Email";
  public static final String KEY_NAME = "Key Name";
  public static final String TIER = "Tier";
  public static final String CREATED_AT = "Created At";
  public static final String LAST_USED = "Last Used";
  public static final String REQUESTS = "Requests";
  public static final String TOKENS = "Tokens";
  public static final String REVOKED = "Revoked";
  public static final String NOTES = "Notes";

  /** The server's message about the row. */
  public static final String STATUS = "Status";

  /** When the key expires. */
  public static final String EXPIRES_AT = "Expires At";

  /** Whether the key's conversations are stored. */
  public static final String LOG_CONVERSATIONS = "Log Conversations";

  /** The models that the key may use. */
  public static final String ALLOWED_MODELS = "Allowed Models";

  /** The key's own budget, in place of its tier's. */
  public static final String BUDGET = TierSheet.BUDGET;

  /** The key's own limit of requests a minute, in place of its tier's. */
  public static final String REQUESTS_PER_MINUTE = TierSheet.REQUESTS_PER_MINUTE;

  /** The headers, in the order of a new sheet. */
  public static final List<String> HEADERS =
      List.of(
          API_KEY,
          USER_EMAIL,
          KEY_NAME,
          TIER,
          CREATED_AT,
          LAST_USED,
          REQUESTS,
          TOKENS,
          REVOKED,
          NOTES,
          STATUS,
          EXPIRES_AT,
          LOG_CONVERSATIONS,
          ALLOWED_MODELS,
          BUDGET,
          REQUESTS_PER_MINUTE);

  /** Columns that restrict a key. Overlooking one would allow more than was intended. */
  public static final List<String> RULES =
      List.of(TIER, EXPIRES_AT, LOG_CONVERSATIONS, ALLOWED_MODELS, BUDGET, REQUESTS_PER_MINUTE);

  /** Columns of {@link #RULES} that are read under another word too: it can only refuse more. */
  private static final List<String> REFUSING =
      List.of(EXPIRES_AT, ALLOWED_MODELS, BUDGET, REQUESTS_PER_MINUTE);

  private static final List<String> NEEDED = List.of(API_KEY, USER_EMAIL, REVOKED);

  private final List<List<Object>> values;
  private final HeaderRow header;

  /**
   * @param values cells as in the answer of {@code values.get} with UNFORMATTED_VALUE: header row
   *     first, rows ragged
   * @throws WorkbookException when there are rows but a required column is missing
   */
  public ApiKeySheet(List<List<Object>> values) {
    this.values = values;
    header = new HeaderRow(values, HEADERS, RULES, REFUSING, NEEDED);
    header.demand(TITLE, NEEDED);
  }

  /** The problems of the header row, from left to right. */
  public List<HeaderRow.Problem> headerProblems() {
    return header.problems();
  }

  /** The known columns that the sheet has, in alphabetical order. */
  public Set<String> present() {
    return header.present();
  }

  /** The rows below the header, including blank ones. */
  public List<ApiKeyRow> rows() {
    List<ApiKeyRow> rows = new ArrayList<>();
    for (int i = 1; i < values.size(); i++) {
      List<Object> cells = values.get(i);
      String tier = clean(cells, TIER);
      rows.add(
          new ApiKeyRow(
              i + 1,
              clean(cells, API_KEY),
              clean(cells, USER_EMAIL),
              text(cells, KEY_NAME),
              tier.isEmpty() ? "free" : tier.toLowerCase(Locale.ROOT),
              clean(cells, CREATED_AT),
              clean(cells, LAST_USED),
              SheetCount.of(cell(cells, REQUESTS)).orElse(0),
              SheetCount.of(cell(cells, TOKENS)).orElse(0),
              clean(cells, REVOKED),
              clean(cells, EXPIRES_AT),
              clean(cells, LOG_CONVERSATIONS),
              clean(cells, ALLOWED_MODELS),
              clean(cells, BUDGET),
              clean(cells, REQUESTS_PER_MINUTE),
              text(cells, NOTES),
              text(cells, STATUS)));
    }
    return rows;
  }

  /** Whether the cell Requests or Tokens of a row has a value that is not a count. */
  public boolean unclearCount(ApiKeyRow row) {
    List<Object> cells = values.get(row.number() - 1);
    return SheetCount.of(cell(cells, REQUESTS)).isEmpty()
        || SheetCount.of(cell(cells, TOKENS)).isEmpty();
  }

  /** The cells of a row as they were read; may be shorter than the header row. */
  public List<Object> cells(ApiKeyRow row) {
    return values.get(row.number() - 1);
  }

  /** The zero-based column under this header, or -1. */
  public int column(String header) {
    return this.header.column(header);
  }

  /** The zero-based columns with a header for API keys, in the header row of any sheet. */
  public static Set<Integer> keyColumns(List<Object> header) {
    String wanted = SheetText.header(API_KEY);
    Set<Integer> columns = new TreeSet<>();
    for (int i = 0; i < header.size(); i++) {
      if (SheetText.header(header.get(i)).equals(wanted)) {
        columns.add(i);
      }
    }
    return columns;
  }

  /** The number of columns of the header row. */
  public int width() {
    return values.isEmpty() ? 0 : values.get(0).size();
  }

  private String clean(List<Object> cells, String header) {
    return SheetText.clean(text(cells, header));
  }

  private String text(List<Object> cells, String header) {
    Object cell = cell(cells, header);
    return cell == null ? "" : cell.toString().strip();
  }

  private Object cell(List<Object> cells, String header) {
    int column = column(header);
    return column < 0 || column >= cells.size() ? null : cells.get(column);
  }
}
