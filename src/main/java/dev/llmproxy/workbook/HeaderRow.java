package dev.llmproxy.workbook;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The header row of a sheet that people edit. Columns are found by their header, because people
 * reorder columns and add some. Only the letters and digits of a header count: white space,
 * invisible characters and capitals make no difference.
 */
public final class HeaderRow {
  private final boolean present;
  private final List<Object> header;
  private final List<String> known;
  private final Map<String, Integer> columns = new HashMap<>();
  private final List<Integer> others = new ArrayList<>();
  private final List<Problem> problems = new ArrayList<>();

  /**
   * A header that somebody should check.
   *
   * @param what the problem and its effect
   * @param remedy what to do about it
   */
  public record Problem(String what, String remedy) {}

  /**
   * @param values the cells of the sheet, header row first
   * @param known the headers of the sheet's columns
   * @param rules columns that restrict somebody; a misspelt header of one is read, because
   *     overlooking it would allow more than was intended
   * @param refusing columns of {@code rules} that are read under another word too, because that can
   *     only refuse more
   * @param needed columns without which the sheet cannot be used
   */
  HeaderRow(
      List<List<Object>> values,
      List<String> known,
      List<String> rules,
      List<String> refusing,
      List<String> needed) {
    this.known = known;
    present = !values.isEmpty();
    header = values.isEmpty() ? List.of() : values.get(0);
    for (int i = 0; i < header.size(); i++) {
      String normal = SheetText.header(header.get(i));
      Optional<String> name =
          known.stream().filter(one -> SheetText.header(one).equals(normal)).findFirst();
      if (name.isPresent()) {
        if (columns.putIfAbsent(name.get(), i) != null
            && (rules.contains(name.get()) || needed.contains(name.get()))) {
          problems.add(
              new Problem(
                  "has the column \"%s\" twice; %s is not read".formatted(name.get(), letters(i)),
                  "Delete or rename one of the two"));
        }
      } else if (!normal.isEmpty()) {
        others.add(i);
      }
    }
    others.forEach(i -> adopt(i, rules, refusing, needed));
  }

  /**
   * Reads a header that is almost a known one as the known one, where that is safe, and reports it.
   */
  private void adopt(int column, List<String> rules, List<String> refusing, List<String> needed) {
    Optional<String> misspelt = LookAlike.misspelt(header.get(column), known, rules);
    Optional<String> meant = misspelt.or(() -> LookAlike.meant(header.get(column), known, rules));
    if (meant.isEmpty()) {
      return;
    }
    String name = meant.get();
    boolean missing = !columns.containsKey(name);
    boolean read =
        missing && (refusing.contains(name) || (misspelt.isPresent() && rules.contains(name)));
    if (read) {
      columns.put(name, column);
    }
    if (read || missing || rules.contains(name) || needed.contains(name)) {
      problems.add(
          new Problem(
              "has the header \"%s\" (column %s), which is %s as \"%s\""
                  .formatted(
                      shown(header.get(column)), letters(column), read ? "read" : "not read", name),
              missing
                  ? "Name it \"%s\" if you mean that column, or give it a less similar name"
                      .formatted(name)
                  : "Use only the column \"%s\", or give the other column a less similar name"
                      .formatted(name)));
    }
  }

  /**
   * Checks that the needed columns are there.
   *
   * @param title the title of the sheet, for the message
   * @throws WorkbookException when there are rows but a needed column is missing
   */
  void demand(String title, List<String> needed) {
    for (String name : needed) {
      if (present && !columns.containsKey(name)) {
        throw new WorkbookException(
            "The sheet \"%s\" has no column \"%s\" in its first row; put the header back.%s"
                .formatted(title, name, similarColumn(name)));
      }
    }
  }

  private String similarColumn(String needed) {
    List<String> wanted = List.of(needed);
    return others.stream()
        .filter(i ->
            LookAlike.misspelt(header.get(i), wanted, wanted)
                .or(() -> LookAlike.meant(header.get(i), wanted, wanted))
                .isPresent())
        .findFirst()
        .map(i -> " Column %s is called \"%s\".".formatted(letters(i), shown(header.get(i))))
        .orElse("");
  }

  /** The zero-based column under this header, or -1. */
  int column(String name) {
    return columns.getOrDefault(name, -1);
  }

  /** The problems, from left to right. */
  List<Problem> problems() {
    return List.copyOf(problems);
  }

  /** The known columns that the sheet has, in alphabetical order. */
  Set<String> present() {
    return new TreeSet<>(columns.keySet());
  }

  /** The header in a form for messages: short, on one line. A key in its place is not shown. */
  private static String shown(Object header) {
    String clean = SheetText.clean(String.valueOf(header));
    return clean.length() <= 30 ? clean : clean.substring(0, 30) + "…";
  }

  /** A column's letters, e.g. {@code AB}. */
  static String letters(int column) {
    String letters = "";
    for (int rest = column + 1; rest > 0; rest = (rest - 1) / 26) {
      letters = (char) ('A' + (rest - 1) % 26) + letters;
    }
    return letters;
  }
}
