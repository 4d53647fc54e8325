package dev.llmproxy.cli;

import dev.llmproxy.base.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * Lines of text in columns that fit the terminal. A cell that is longer than its column goes on in
 * the lines below, of which there are so many at most; what is cut off then ends with "…". A column
 * without anything in it is left out.
 */
final class Table {
  private static final int GAP = 2;
  private static final int LEAST_WIDTH = 6;
  private static final int MOST_LINES = 4;
  private static final int LEAST_TABLE = 20;
  private static final Pattern MOMENT =
      Pattern.compile("^(\\d{4}-\\d\\d-\\d\\d)T(\\d\\d:\\d\\d:\\d\\d)(\\.\\d+)?Z$");

  /** Where a cell is broken rather than anywhere: after one of these. */
  private static final String BREAKS = " @-_/.,:;";

  private final List<String[]> rows = new ArrayList<>();
  private final int most;

  /** For a terminal as wide as the variable COLUMNS says, else as it is; 80 where there is none. */
  Table(Settings settings, String... headers) {
    this(width(settings), headers);
  }

  Table(int most, String... headers) {
    this.most = most;
    rows.add(headers);
  }

  void add(String... cells) {
    rows.add(
        Arrays.stream(cells)
            .map(cell -> cell == null ? "" : HarmlessWriter.oneLine(cell))
            .toArray(String[]::new));
  }

  /** A moment in ISO-8601 UTC for people, who read days first; other text as it is. */
  static String time(String moment) {
    return MOMENT.matcher(moment).replaceFirst("$1 $2");
  }

  @Override
  public String toString() {
    int[] columns = columns();
    int[] widths = widths(columns);
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      List<List<String>> cells = new ArrayList<>();
      for (int i = 0; i < columns.length; i++) {
        cells.add(lines(row[columns[i]], widths[i]));
      }
      int height = cells.stream().mapToInt(List::size).max().orElse(0);
      for (int line = 0; line < height; line++) {
        StringBuilder printed = new StringBuilder();
        for (int i = 0; i < columns.length; i++) {
          String part = line < cells.get(i).size() ? cells.get(i).get(line) : "";
          printed.append(part).append(" ".repeat(widths[i] - length(part) + GAP));
        }
        text.append(printed.toString().stripTrailing()).append('\n');
      }
    }
    return text.toString().stripTrailing();
  }

  private int[] columns() {
    return IntStream.range(0, rows.get(0).length)
        .filter(column ->
            rows.size() == 1 || rows.stream().skip(1).anyMatch(row -> !row[column].isEmpty()))
        .toArray();
  }

  /**
   * As wide as what is in them. If that is too much, the widest are narrowed first, but no word is
   * broken as long as there is another way.
   */
  private int[] widths(int[] columns) {
    int[] widths = widest(columns, Table::length);
    int[] words =
        widest(
            columns,
            cell -> Arrays.stream(cell.split(" ")).mapToInt(Table::length).max().orElse(0));
    narrow(widths, words);
    int[] least = new int[columns.length];
    Arrays.fill(least, LEAST_WIDTH);
    narrow(widths, least);
    return widths;
  }

  private int[] widest(int[] columns, ToIntFunction<String> size) {
    return Arrays.stream(columns)
        .map(column -> rows.stream().mapToInt(row -> size.applyAsInt(row[column])).max().orElse(0))
        .toArray();
  }

  private void narrow(int[] widths, int[] least) {
    int room = most - GAP * (widths.length - 1);
    while (Arrays.stream(widths).sum() > room) {
      int widest = -1;
      for (int i = 0; i < widths.length; i++) {
        if (widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest])) {
          widest = i;
        }
      }
      if (widest < 0) {
        return;
      }
      widths[widest]--;
    }
  }

  private static List<String> lines(String cell, int width) {
    List<String> lines = new ArrayList<>();
    String rest = cell;
    while (length(rest) > width) {
      int end = rest.offsetByCodePoints(0, width);
      if (lines.size() == MOST_LINES - 1) {
        lines.add(rest.substring(0, rest.offsetByCodePoints(0, width - 1)) + "…");
        return lines;
      }
      // A space at the end needs no room.
      int last = rest.charAt(end) == ' ' ? end : end - 1;
      while (last > 0 && BREAKS.indexOf(rest.charAt(last)) < 0) {
        last--;
      }
      int cut = last > 0 ? last + 1 : end;
      lines.add(rest.substring(0, cut).stripTrailing());
      rest = rest.substring(cut).stripLeading();
    }
    lines.add(rest);
    return lines;
  }

  private static int width(Settings settings) {
    try {
      return settings
          .find("COLUMNS")
          .map(Integer::parseInt)
          .filter(n -> n >= LEAST_TABLE)
          .orElseGet(Table::terminal);
    } catch (NumberFormatException e) {
      return terminal();
    }
  }

  private static int terminal() {
    return new UsageMessageSpec().autoWidth(true).width();
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
