package dev.llmproxy.workbook;

import dev.llmproxy.base.SettingsReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The sheet {@code Tiers}, as read: one row for each tier. Columns are found by their header, as in
 * {@link HeaderRow}.
 */
public final class TierSheet {
  public static final String TITLE = "Tiers";

  /** The word in a cell for no limit. */
  public static final String UNLIMITED = SettingsReader.UNLIMITED;

  public static final String TIER = "Tier";
  public static final String REQUESTS_PER_MINUTE = "Requests/min";
  public static final String TOKENS_PER_MINUTE = "Tokens/min";
  public static final String REQUESTS_PER_DAY = "Requests/day";
  public static final String CONCURRENT = "Concurrent";
  public static final String BUDGET = "Budget USD/month";
  public static final String MODELS = "Models";
  public static final String TOOLS = "Tools";

  /** The server's message about the row. */
  public static final String STATUS = "Status";

  /** The columns with limits. */
  public static final List<String> LIMITS =
      List.of(
          REQUESTS_PER_MINUTE,
          TOKENS_PER_MINUTE,
          REQUESTS_PER_DAY,
          CONCURRENT,
          BUDGET,
          MODELS,
          TOOLS);

  /** The headers, in the order of a new sheet. */
  public static final List<String> HEADERS = headers();

  private final List<List<Object>> values;
  private final HeaderRow header;

  /**
   * One row.
   *
   * @param number the row number as the spreadsheet shows it; the header is 1
   * @param tier the tier's name in lower case; empty for a row without one
   * @param limits the texts of the cells under {@link #LIMITS} that the sheet has; empty texts
   *     included
   * @param status the text of Status
   */
  public record Row(int number, String tier, Map<String, String> limits, String status) {
    /** Whether the row has no tier and no limits. */
    public boolean blank() {
      return tier.isEmpty() && limits.values().stream().allMatch(String::isEmpty);
    }
  }

  /**
   * @param values cells as in the answer of {@code values.batchGet} with UNFORMATTED_VALUE: header
   *     row first, rows ragged
   */
  public TierSheet(List<List<Object>> values) {
    this.values = values;
    header = new HeaderRow(values, HEADERS, LIMITS, LIMITS, List.of(TIER));
  }

  /** The problems of the header row, from left to right. */
  public List<HeaderRow.Problem> headerProblems() {
    return header.problems();
  }

  /** The known columns that the sheet has, in alphabetical order. */
  public Set<String> present() {
    return header.present();
  }

  /** The zero-based column under this header, or -1. */
  public int column(String name) {
    return header.column(name);
  }

  /** The number of columns of the header row. */
  public int width() {
    return values.isEmpty() ? 0 : values.get(0).size();
  }

  /** The rows below the header, including blank ones; none when the sheet has no column Tier. */
  public List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (int i = 1; i < values.size() && column(TIER) >= 0; i++) {
      List<Object> cells = values.get(i);
      Map<String, String> limits = new LinkedHashMap<>();
      for (String name : LIMITS) {
        if (column(name) >= 0) {
          limits.put(name, text(cells, name));
        }
      }
      rows.add(
          new Row(i + 1, text(cells, TIER).toLowerCase(Locale.ROOT), limits, text(cells, STATUS)));
    }
    return rows;
  }

  private String text(List<Object> cells, String name) {
    int column = column(name);
    Object cell = column < 0 || column >= cells.size() ? null : cells.get(column);
    return cell == null ? "" : SheetText.clean(cell.toString().strip());
  }

  private static List<String> headers() {
    List<String> headers = new ArrayList<>(LIMITS);
    headers.addFirst(TIER);
    headers.add(STATUS);
    return List.copyOf(headers);
  }
}
