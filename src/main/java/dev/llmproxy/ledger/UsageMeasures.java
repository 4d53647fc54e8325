package dev.llmproxy.ledger;

import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The columns that the tables of usage statistics have in common, and their values in a request.
 */
final class UsageMeasures {
  static final long DAY_MILLIS = 86_400_000;
  static final long HOUR_MILLIS = 3_600_000;
  private static final int MONTHS = 12;

  /** The upper limits of the columns {@code within_…}, in ms. */
  static final List<Integer> LIMITS =
      List.of(250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000, 120_000);

  /** A column with its sum over requests {@code r}. */
  private record Measure(String column, String sum) {}

  /** 1 for a request {@code r} with tokens of unknown price, otherwise 0. */
  static final String UNPRICED =
      "case when r.cost_picodollars is null and (r.tokens_in > 0 or r.tokens_out > 0) then 1 else 0 end";

  private static final List<Measure> COUNTS =
      List.of(
          new Measure("requests", "count(*)"),
          new Measure("turns", "sum(r.turns)"),
          new Measure("tool_calls", "sum(r.tool_calls)"),
          new Measure("tokens_in_high, tokens_in_low", RequestTable.sum("r.tokens_in")),
          new Measure("tokens_out_high, tokens_out_low", RequestTable.sum("r.tokens_out")),
          new Measure("cost_high, cost_low", RequestTable.sum("r.cost_picodollars")),
          new Measure("unpriced", "sum(" + UNPRICED + ")"),
          new Measure("duration_ms", "sum(r.duration_ms)"));

  private static final List<Measure> ENDS =
      List.of(
          new Measure(
              "failed", "sum(case when r.status in ('ERROR', 'INTERRUPTED') then 1 else 0 end)"),
          new Measure("cancelled", "sum(case when r.status = 'CANCELLED' then 1 else 0 end)"));

  /** The columns of sums that every table has. */
  static final List<String> COUNT_COLUMNS = columns(COUNTS);

  /** The columns of the latency histogram, the last one without a limit. */
  static final List<String> LATENCY_COLUMNS = columns(latencies());

  static final List<String> END_COLUMNS = columns(ENDS);

  /** The values of {@link #COUNT_COLUMNS} in requests {@code r}, comma-separated. */
  static final String COUNT_SUMS = sums(COUNTS);

  static final String LATENCY_SUMS = sums(latencies());
  static final String END_SUMS = sums(ENDS);

  private UsageMeasures() {}

  /** The UTC day of a date, as in the tables. */
  static long day(LocalDate date) {
    return date.toEpochDay();
  }

  /** The month as in the tables. */
  static long month(YearMonth month) {
    return month.getYear() * (long) MONTHS + month.getMonthValue() - 1;
  }

  /** The hour of a moment, as in the tables. */
  static long hour(Instant moment) {
    return moment.truncatedTo(ChronoUnit.HOURS).toEpochMilli() / HOUR_MILLIS;
  }

  /** The first ms of a month. */
  static long begin(YearMonth month) {
    return month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
  }

  private static List<Measure> latencies() {
    return Stream.concat(
            Stream.iterate(0, i -> i < LIMITS.size(), i -> i + 1)
                .map(i ->
                    new Measure(
                        "within_" + LIMITS.get(i),
                        successful(
                            (i == 0 ? "" : "r.duration_ms > " + LIMITS.get(i - 1) + " and ")
                                + "r.duration_ms <= "
                                + LIMITS.get(i)))),
            Stream.of(new Measure("longer", successful("r.duration_ms > " + LIMITS.getLast()))))
        .toList();
  }

  private static String successful(String condition) {
    return "sum(case when r.status = 'SUCCESS' and " + condition + " then 1 else 0 end)";
  }

  private static List<String> columns(List<Measure> measures) {
    return measures.stream().flatMap(measure -> Stream.of(measure.column.split(", ", -1))).toList();
  }

  private static String sums(List<Measure> measures) {
    return measures.stream().map(Measure::sum).collect(Collectors.joining(", "));
  }
}
