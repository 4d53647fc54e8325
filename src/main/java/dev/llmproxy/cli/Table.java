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
 * A text table that fits the terminal. A cell that is longer than its column wraps, up to four
 * lines; text that is cut off ends with "…". Empty columns are left out.
 */
final class Table {
  private static final int GAP = 2;
  private static final int MIN_WIDTH = 6;
  private static final int MAX_LINES = 4;
  private static final int MIN_TABLE_WIDTH = 20;
  private static final Pattern MOMENT =
      Pattern.compile("^(\\d{4}-\\d\\d-\\d\\d)T(\\d\\d:\\d\\d:\\d\\d)(\\.\\d+)?Z$");

  /** A cell preferably breaks after one of these characters. */
  private static final String BREAKS = " @-_/.,:;";

  private final List<String[]> rows = new ArrayList<>();
  private final int maxWidth;

  /** As wide as the variable COLUMNS, else as the terminal; 80 characters without a terminal. */
  Table(Settings settings, String... headers) {
    this(width(settings), headers);
  }

  Table(int maxWidth, String... headers) {
    this.maxWidth = maxWidth;
    rows.add(headers);
  }

  void add(String... cells) {
    rows.add(
        Arrays.stream(cells)
            .map(cell -> cell == null ? "" : HarmlessWriter.oneLine(cell))
            .toArray(String[]::new));
  }

  /** An ISO-8601 UTC time as {@code 2026-01-31 12:00:00}; other text unchanged. */
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
   * The widths of the columns. They fit the contents; if the terminal is too narrow, the widest
   * columns shrink first, and words are broken only when nothing else helps.
   */
  private int[] widths(int[] columns) {
    int[] widths = widest(columns, Table::length);
    int[] words =
        widest(
            columns,
            cell -> Arrays.stream(cell.split(" ")).mapToInt(Table::length).max().orElse(0));
    narrow(widths, words);
    int[] min = new int[columns.length];
    Arrays.fill(min, MIN_WIDTH);
    narrow(widths, min);
    return widths;
  }

  private int[] widest(int[] columns, ToIntFunction<String> size) {
    return Arrays.stream(columns)
        .map(column -> rows.stream().mapToInt(row -> size.applyAsInt(row[column])).max().orElse(0))
        .toArray();
  }

  private void narrow(int[] widths, int[] min) {
    int room = maxWidth - GAP * (widths.length - 1);
    while (Arrays.stream(widths).sum() > room) {
      int widest = -1;
      for (int i = 0; i < widths.length; i++) {
        if (widths[i] > min[i] && (widest < 0 || widths[i] > widths[widest])) {
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
      if (lines.size() == MAX_LINES - 1) {
        lines.add(rest.substring(0, rest.offsetByCodePoints(0, width - 1)) + "…");
        return lines;
      }
      // A space at the end of a line is not printed.
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
          .filter(n -> n >= MIN_TABLE_WIDTH)
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
