package dev.llmproxy.workbook;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
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
          ALLOWED_MODELS);

  /** Columns that restrict a key. Overlooking one would allow more than was intended. */
  public static final List<String> RULES =
      List.of(TIER, EXPIRES_AT, LOG_CONVERSATIONS, ALLOWED_MODELS);

  /** Columns of {@link #RULES} that are read under another word too: it can only refuse more. */
  private static final List<String> REFUSING = List.of(EXPIRES_AT, ALLOWED_MODELS);

  private static final List<String> NEEDED = List.of(API_KEY, USER_EMAIL, REVOKED);

  private final List<List<Object>> values;
  private final Map<String, Integer> columns = new HashMap<>();
  private final List<HeaderProblem> headerProblems = new ArrayList<>();

  /**
   * A header that somebody should check.
   *
   * @param what the problem and its effect
   * @param remedy what to do about it
   */
  public record HeaderProblem(String what, String remedy) {}

  /**
   * @param values cells as in the answer of {@code values.get} with UNFORMATTED_VALUE: header row
   *     first, rows ragged
   * @throws WorkbookException when there are rows but a required column is missing
   */
  public ApiKeySheet(List<List<Object>> values) {
    this.values = values;
    List<Object> header = values.isEmpty() ? List.of() : values.get(0);
    List<Integer> others = new ArrayList<>();
    for (int i = 0; i < header.size(); i++) {
      String normal = SheetText.header(header.get(i));
      Optional<String> known =
          HEADERS.stream().filter(one -> SheetText.header(one).equals(normal)).findFirst();
      if (known.isPresent()) {
        if (columns.putIfAbsent(known.get(), i) != null && rules(known.get())) {
          headerProblems.add(
              new HeaderProblem(
                  "has the column \"%s\" twice; %s is not read".formatted(known.get(), letters(i)),
                  "Delete or rename one of the two"));
        }
      } else if (!normal.isEmpty()) {
        others.add(i);
      }
    }
    others.forEach(i -> adopt(header.get(i), i));
    for (String needed : NEEDED) {
      if (!values.isEmpty() && !columns.containsKey(needed)) {
        throw new WorkbookException(
            "The sheet \"%s\" has no column \"%s\" in its first row; put the header back.%s"
                .formatted(TITLE, needed, similarColumn(header, others, needed)));
      }
    }
  }

  /**
   * Reads a header that is almost a known one as the known one, where that is safe, and reports it.
   */
  private void adopt(Object header, int column) {
    Optional<String> misspelt = LookAlike.misspelt(header, HEADERS);
    Optional<String> meant = misspelt.or(() -> LookAlike.meant(header, HEADERS));
    if (meant.isEmpty()) {
      return;
    }
    String known = meant.get();
    boolean missing = !columns.containsKey(known);
    boolean read =
        missing && (REFUSING.contains(known) || (misspelt.isPresent() && RULES.contains(known)));
    if (read) {
      columns.put(known, column);
    }
    if (read || missing || rules(known)) {
      String shown = shown(header);
      headerProblems.add(
          new HeaderProblem(
              read
                  ? "has the header \"%s\" (column %s), which is read as \"%s\""
                      .formatted(shown, letters(column), known)
                  : "has the header \"%s\" (column %s), which is not read as \"%s\""
                      .formatted(shown, letters(column), known),
              missing
                  ? "Name it \"%s\" if you mean that column, or give it a less similar name"
                      .formatted(known)
                  : "Use only the column \"%s\", or give the other column a less similar name"
                      .formatted(known)));
    }
  }

  private static boolean rules(String header) {
    return RULES.contains(header) || NEEDED.contains(header);
  }

  /** The header in a form for messages: short, on one line. A key in its place is not shown. */
  private static String shown(Object header) {
    String clean = SheetText.clean(String.valueOf(header));
    return clean.length() <= 30 ? clean : clean.substring(0, 30) + "…";
  }

  private static String similarColumn(List<Object> header, List<Integer> others, String needed) {
    List<String> known = List.of(needed);
    return others.stream()
        .filter(i ->
            LookAlike.misspelt(header.get(i), known)
                .or(() -> LookAlike.meant(header.get(i), known))
                .isPresent())
        .findFirst()
        .map(i -> " Column %s is called \"%s\".".formatted(letters(i), shown(header.get(i))))
        .orElse("");
  }

  /** The problems of the header row, from left to right. */
  public List<HeaderProblem> headerProblems() {
    return List.copyOf(headerProblems);
  }

  /** The known columns that the sheet has, in alphabetical order. */
  public Set<String> present() {
    return new TreeSet<>(columns.keySet());
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
    return columns.getOrDefault(header, -1);
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

  /** A column's letters, e.g. {@code AB}. */
  static String letters(int column) {
    String letters = "";
    for (int rest = column + 1; rest > 0; rest = (rest - 1) / 26) {
      letters = (char) ('A' + (rest - 1) % 26) + letters;
    }
    return letters;
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
