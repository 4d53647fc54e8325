package dev.llmproxy.workbook;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The sheet {@code User API Keys} as it was read: its columns are found by their header, because
 * people reorder and add some. Of a header its letters and digits count: white space of any kind,
 * signs that nobody sees and capitals make no difference.
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

  /** A column that is there only once it is needed. */
  public static final String EXPIRES_AT = "Expires At";

  /** A column that an administrator may add. */
  public static final String LOG_CONVERSATIONS = "Log Conversations";

  /** The headers, in the order in which a new sheet gets them. */
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
          NOTES);

  private final List<List<Object>> values;
  private final Map<String, Integer> columns = new HashMap<>();

  /**
   * @param values cells as {@code values.get} answers with UNFORMATTED_VALUE: header row first,
   *     rows ragged
   * @throws WorkbookException when there are rows but a column this product cannot do without is
   *     missing
   */
  public ApiKeySheet(List<List<Object>> values) {
    this.values = values;
    List<Object> header = values.isEmpty() ? List.of() : values.get(0);
    for (int i = 0; i < header.size(); i++) {
      columns.putIfAbsent(SheetText.header(header.get(i)), i);
    }
    for (String needed : List.of(API_KEY, USER_EMAIL, REVOKED)) {
      if (!values.isEmpty() && !columns.containsKey(SheetText.header(needed))) {
        throw new WorkbookException(
            "The sheet \"%s\" has no column \"%s\" in its first row; put the header back."
                .formatted(TITLE, needed));
      }
    }
  }

  /** The rows below the header, blank ones included. */
  public List<ApiKeyRow> rows() {
    List<ApiKeyRow> rows = new ArrayList<>();
    for (int i = 1; i < values.size(); i++) {
      List<Object> cells = values.get(i);
      String tier = text(cells, TIER);
      rows.add(
          new ApiKeyRow(
              i + 1,
              text(cells, API_KEY),
              text(cells, USER_EMAIL),
              words(cells, KEY_NAME),
              tier.isEmpty() ? "free" : tier.toLowerCase(Locale.ROOT),
              text(cells, CREATED_AT),
              text(cells, LAST_USED),
              number(cells, REQUESTS),
              number(cells, TOKENS),
              text(cells, REVOKED),
              text(cells, EXPIRES_AT),
              text(cells, LOG_CONVERSATIONS),
              words(cells, NOTES)));
    }
    return rows;
  }

  /** The zero-based column under this header, or -1. */
  public int column(String header) {
    return columns.getOrDefault(SheetText.header(header), -1);
  }

  /** How many columns the header row has. */
  public int width() {
    return values.isEmpty() ? 0 : values.get(0).size();
  }

  /** What rules are read from: without what nobody sees. */
  private String text(List<Object> cells, String header) {
    return SheetText.clean(words(cells, header));
  }

  private String words(List<Object> cells, String header) {
    int column = column(header);
    return column < 0 || column >= cells.size() || cells.get(column) == null
        ? ""
        : cells.get(column).toString().strip();
  }

  /** A count that somebody has overwritten with text starts again at 0. */
  private long number(List<Object> cells, String header) {
    try {
      return new BigDecimal(text(cells, header)).longValue();
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
