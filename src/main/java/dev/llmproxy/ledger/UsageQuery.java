package dev.llmproxy.ledger;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Jdbc;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The SQL of a statistic: sums by a dimension, over the tables of {@link UsageRollup} and the
 * requests after their last one. It chooses the smallest table that has the answer. Made for one
 * query.
 */
final class UsageQuery {
  private static final String FAILED =
      "case when u.status in ('ERROR', 'INTERRUPTED') then u.requests else 0 end";
  private static final String CANCELLED =
      "case when u.status = 'CANCELLED' then u.requests else 0 end";
  private static final double MEDIAN = 0.5;
  private static final double P95 = 0.95;

  private final Connection connection;
  private final UsageBy by;
  private final UsageFilter filter;
  private final boolean latencies;
  private final List<Object> parameters = new ArrayList<>();

  /**
   * @param by null for the sum of all
   */
  UsageQuery(Connection connection, UsageBy by, UsageFilter filter) {
    this.connection = connection;
    this.by = by;
    this.filter = filter;
    // Nobody needs the latencies of thousands of owners at once, and they double the work.
    latencies = by != UsageBy.KEY && by != UsageBy.USER;
  }

  UsagePage page(UsageOrder order, boolean descending, int offset, int limit) throws SQLException {
    String direction = descending ? " desc" : "";
    String name = name("g");
    String groups = groups();
    String ranked =
        "select g.*, count(*) over () as all_groups"
            + (order == UsageOrder.NAME ? ", " + name + " as sort_name" : "")
            + " from ("
            + groups
            + ") g order by "
            + order(order).map(key -> key + direction).collect(Collectors.joining(", "))
            + ", g.dimension"
            + direction
            + " limit ? offset ?";
    parameters.add(limit);
    parameters.add(offset);
    record Counted(UsageRow row, long groups) {}
    List<Counted> rows =
        Jdbc.list(
            connection,
            "select z.*, "
                + name("z")
                + " as name, "
                + keyHash("z")
                + " as key_hash from ("
                + ranked
                + ") z",
            row -> new Counted(row(row), row.getLong("all_groups")),
            parameters.toArray());
    return new UsagePage(
        rows.stream().map(Counted::row).toList(), rows.isEmpty() ? 0 : rows.getFirst().groups);
  }

  UsageSum sum() throws SQLException {
    List<UsageSum> sums = Jdbc.list(connection, groups(), this::sum, parameters());
    return sums.isEmpty() ? UsageSum.NONE : sums.getFirst();
  }

  /** The sums by hour of everybody, or of one person. */
  static SortedMap<Instant, UsageSum> hours(
      Connection connection, Instant first, Instant last, String email) throws SQLException {
    UsageQuery query = new UsageQuery(connection, null, null);
    long from = UsageMeasures.hour(first);
    long to = UsageMeasures.hour(last);
    String sums =
        String.join(
            ", ", UsageMeasures.COUNT_SUMS, UsageMeasures.END_SUMS, UsageMeasures.LATENCY_SUMS);
    String hour = "r.admitted_at / " + UsageMeasures.HOUR_MILLIS;
    String during = " and r.admitted_at >= ? and r.admitted_at < ? group by " + hour;
    String named =
        query
            .columns()
            .map(column -> value(column) + " as " + column)
            .collect(Collectors.joining(", "));
    String parts;
    if (email == null) {
      parts =
          "select u.hour as hour, %s from usage_hour u where u.hour between ? and ? union all select %s, %s %s%s"
              .formatted(named, hour, sums, UsageStatistics.NOT_SUMMED, during);
      query.parameters.add(from);
      query.parameters.add(to);
    } else {
      // A person has few requests in some hours, and there is an index.
      List<String> spellings = UsageStatistics.spellings(connection, email);
      parts =
          "select u.hour as hour, %s from usage_hour u where 1 = 0 union all select %s, %s from request r"
                  .formatted(named, hour, sums)
              + " where r.sequence is not null and r.email in ("
              + placeholders(spellings)
              + ")"
              + during;
      query.parameters.addAll(spellings);
    }
    query.parameters.add(from * UsageMeasures.HOUR_MILLIS);
    query.parameters.add((to + 1) * UsageMeasures.HOUR_MILLIS);
    SortedMap<Instant, UsageSum> hours = new TreeMap<>();
    Jdbc.list(
        connection,
        "select p.hour, " + query.sums() + " from (" + parts + ") p group by p.hour",
        row ->
            hours.put(
                Instant.ofEpochMilli(row.getLong("hour") * UsageMeasures.HOUR_MILLIS),
                query.sum(row)),
        query.parameters());
    return hours;
  }

  static String placeholders(List<?> values) {
    return values.stream().map(one -> "?").collect(Collectors.joining(", "));
  }

  /** How SQLite would find the groups, one step each. */
  List<String> plan() throws SQLException {
    return Jdbc.list(
        connection, "explain query plan " + groups(), row -> row.getString("detail"), parameters());
  }

  private Object[] parameters() {
    return parameters.toArray();
  }

  /** One row for each group, with its sums. Collects the parameters. */
  private String groups() throws SQLException {
    List<String> parts = new ArrayList<>();
    if (filter.isOfOwners()) {
      parts.add(days("usage_day", 1, filter.from(), filter.to()));
    } else if (by != UsageBy.KEY && by != UsageBy.USER) {
      parts.add(days("usage_model_day", 1, filter.from(), filter.to()));
    } else if (filter.model() != null || filter.status() != null) {
      parts.add(days("usage_day", 1, filter.from(), filter.to()));
    } else {
      addMonths(parts);
    }
    if (parts.isEmpty()) {
      // Names the columns.
      parts.add(select(1, column -> "u." + column) + " from usage_month u where u.month = -1");
    }
    if (by == UsageBy.USER) {
      // The keys are summed first, because there are fewer of them than of their days.
      String columns = columns().map(column -> "k." + column).collect(Collectors.joining(", "));
      String keys = grouped(parts);
      parts.clear();
      parts.add(
          "select o.person_id as dimension, %s from (%s) k join usage_owner o on o.id = k.dimension"
              .formatted(columns, keys));
    }
    parts.add(notSummed());
    return grouped(parts) + " having sum(p.requests) > 0";
  }

  private String grouped(List<String> parts) {
    return "select p.dimension, %s from (%s) p group by p.dimension"
        .formatted(sums(), String.join(" union all ", parts));
  }

  private String sums() {
    return columns()
        .map(column -> "sum(p.%1$s) as %1$s".formatted(column))
        .collect(Collectors.joining(", "));
  }

  /** Whole months, and the days of the others: those inside, or those outside if they are fewer. */
  private void addMonths(List<String> parts) throws SQLException {
    record Days(LocalDate first, LocalDate last) {}
    List<Days> summed =
        Jdbc.list(
            connection,
            "select min(day), max(day) from usage_model_day",
            row ->
                row.getObject(1) == null
                    ? null
                    : new Days(
                        LocalDate.ofEpochDay(row.getLong(1)),
                        LocalDate.ofEpochDay(row.getLong(2))));
    if (summed.getFirst() == null) {
      return;
    }
    LocalDate first = later(filter.from(), summed.getFirst().first);
    LocalDate last = earlier(filter.to(), summed.getFirst().last);
    if (first.isAfter(last)) {
      return;
    }
    for (YearMonth month = YearMonth.from(first);
        !month.isAfter(YearMonth.from(last));
        month = month.plusMonths(1)) {
      LocalDate begin = later(month.atDay(1), summed.getFirst().first);
      LocalDate end = earlier(month.atEndOfMonth(), summed.getFirst().last);
      LocalDate from = later(begin, first);
      LocalDate to = earlier(end, last);
      long inside = to.toEpochDay() - from.toEpochDay() + 1;
      long outside = end.toEpochDay() - begin.toEpochDay() + 1 - inside;
      if (inside <= outside) {
        parts.add(days("usage_day", 1, from, to));
      } else {
        parts.add(month(month));
        if (begin.isBefore(from)) {
          parts.add(days("usage_day", -1, begin, from.minusDays(1)));
        }
        if (to.isBefore(end)) {
          parts.add(days("usage_day", -1, to.plusDays(1), end));
        }
      }
    }
  }

  private String month(YearMonth month) {
    parameters.add(UsageMeasures.month(month));
    return select(1, column -> "u." + column) + " from usage_month u where u.month = ?";
  }

  /**
   * @param sign -1 to subtract the days
   */
  private String days(String table, int sign, LocalDate from, LocalDate to) {
    StringBuilder sql = new StringBuilder(select(sign, UsageQuery::value));
    parameters.add(from.toEpochDay());
    parameters.add(to.toEpochDay());
    if (filter.isOfOwners()) {
      // Joined in this order, each day of each owner is one look-up.
      sql.append(
              " from (select distinct a.day from usage_model_day a where a.day between ? and ?) d")
          .append(" cross join usage_owner o cross join usage_day u")
          .append(" where u.day = d.day and u.owner = o.id");
    } else {
      sql.append(" from ").append(table).append(" u where u.day between ? and ?");
    }
    where(sql, " and u.model = (select m.id from usage_model m where m.model = ?)", filter.model());
    where(sql, " and u.status = ?", filter.status());
    where(sql, " and o.key_hash = ?", filter.keyHash());
    if (filter.email() != null) {
      where(sql, " and o.person = ?", EmailAddress.folded(filter.email()));
    }
    return sql.toString();
  }

  /** The value of a column in a row {@code u} of a table with a status. */
  private static String value(String column) {
    return switch (column) {
      case "failed" -> FAILED;
      case "cancelled" -> CANCELLED;
      default -> "u." + column;
    };
  }

  private String select(int sign, Function<String, String> value) {
    return "select "
        + dimension()
        + " as dimension, "
        + columns()
            .map(column -> (sign < 0 ? "-" : "") + "(" + value.apply(column) + ") as " + column)
            .collect(Collectors.joining(", "));
  }

  private String notSummed() throws SQLException {
    String dimension = newDimension();
    StringBuilder sql =
        new StringBuilder("select ")
            .append(dimension)
            .append(", ")
            .append(UsageMeasures.COUNT_SUMS)
            .append(", ")
            .append(UsageMeasures.END_SUMS);
    if (latencies) {
      sql.append(", ").append(UsageMeasures.LATENCY_SUMS);
    }
    sql.append(' ')
        .append(UsageStatistics.NOT_SUMMED)
        .append(" and r.admitted_at >= ? and r.admitted_at < ?");
    parameters.add(filter.from().toEpochDay() * UsageMeasures.DAY_MILLIS);
    parameters.add(filter.to().plusDays(1).toEpochDay() * UsageMeasures.DAY_MILLIS);
    where(sql, " and r.model = ?", filter.model());
    where(sql, " and r.status = ?", filter.status());
    where(sql, " and r.key_hash = ?", filter.keyHash());
    if (filter.email() != null) {
      List<String> spellings = UsageStatistics.spellings(connection, filter.email());
      sql.append(" and r.email in (").append(placeholders(spellings)).append(')');
      parameters.addAll(spellings);
    }
    String group =
        switch (by) {
          case null -> null;
          case DAY, STATUS -> dimension;
          case MODEL -> "r.model";
          case KEY -> "r.email, r.key_hash";
          case USER -> "r.email";
        };
    return sql.append(group == null ? " having count(*) > 0" : " group by " + group).toString();
  }

  private void where(StringBuilder sql, String condition, Object value) {
    if (value != null) {
      sql.append(condition);
      parameters.add(value instanceof Enum<?> constant ? constant.name() : value);
    }
  }

  /** The dimension of a row {@code u}. */
  private String dimension() {
    return switch (by) {
      case null -> "0";
      case DAY -> "u.day";
      case MODEL -> "u.model";
      case KEY, USER -> "u.owner";
      case STATUS -> "u.status";
    };
  }

  /** The dimension of requests {@code r}; -sequence for an owner or model that has no id yet. */
  private String newDimension() {
    return switch (by) {
      case null -> "0";
      case DAY -> "r.admitted_at / " + UsageMeasures.DAY_MILLIS;
      case MODEL ->
          "coalesce((select m.id from usage_model m where m.model = r.model), -min(r.sequence))";
      case KEY ->
          "coalesce((select f.id from usage_owner f where f.email = r.email and f.key_hash = r.key_hash), -min(r.sequence))";
      case USER ->
          "coalesce((select min(f.person_id) from usage_owner f where f.email = r.email), -min(r.sequence))";
      case STATUS -> "r.status";
    };
  }

  private String name(String row) {
    return switch (by) {
      case null -> "0";
      case DAY, STATUS -> row + ".dimension";
      case MODEL -> named(row, "model", "usage_model");
      case KEY -> named(row, "email", "usage_owner");
      case USER -> named(row, "email", "usage_owner");
    };
  }

  private String keyHash(String row) {
    return by == UsageBy.KEY ? named(row, "key_hash", "usage_owner") : "null";
  }

  private static String named(String row, String column, String table) {
    return ("case when %1$s.dimension > 0 then (select n.%2$s from %3$s n where n.id = %1$s.dimension)"
            + " else (select n.%2$s from request n where n.sequence = -%1$s.dimension) end")
        .formatted(row, column, table);
  }

  private Stream<String> order(UsageOrder order) {
    return switch (order) {
      case NAME -> Stream.of("sort_name");
      case REQUESTS -> Stream.of("g.requests");
      case FAILED -> Stream.of("g.failed");
      case TOKENS ->
          split("g.tokens_in_high + g.tokens_out_high", "g.tokens_in_low + g.tokens_out_low");
      case COST -> split("g.cost_high", "g.cost_low");
      case DURATION -> Stream.of("g.duration_ms * 1.0 / g.requests");
    };
  }

  /** Sorts by high × 10^9 + low without computing it, because it may not fit. */
  private static Stream<String> split(String high, String low) {
    return Stream.of(
        "%s + (%s) / 1000000000".formatted(high, low), "(%s) %% 1000000000".formatted(low));
  }

  private Stream<String> columns() {
    Stream<String> counts =
        Stream.concat(UsageMeasures.COUNT_COLUMNS.stream(), UsageMeasures.END_COLUMNS.stream());
    return latencies ? Stream.concat(counts, UsageMeasures.LATENCY_COLUMNS.stream()) : counts;
  }

  private UsageRow row(ResultSet row) throws SQLException {
    String name =
        by == UsageBy.DAY
            ? LocalDate.ofEpochDay(row.getLong("name")).toString()
            : row.getString("name");
    return new UsageRow(name, row.getString("key_hash"), sum(row));
  }

  private UsageSum sum(ResultSet row) throws SQLException {
    LatencyHistogram times = new LatencyHistogram(counts(row));
    long requests = row.getLong("requests");
    return new UsageSum(
        requests,
        row.getLong("failed"),
        row.getLong("cancelled"),
        row.getLong("turns"),
        row.getLong("tool_calls"),
        RequestTable.sum(row, row.findColumn("tokens_in_high")),
        RequestTable.sum(row, row.findColumn("tokens_out_high")),
        new BigDecimal(
            RequestTable.sum(row, row.findColumn("cost_high")), RequestTable.PICODOLLAR_DIGITS),
        row.getLong("unpriced"),
        row.getLong("duration_ms") / requests,
        times.quantile(MEDIAN),
        times.quantile(P95));
  }

  private long[] counts(ResultSet row) throws SQLException {
    List<String> columns = UsageMeasures.LATENCY_COLUMNS;
    long[] counts = new long[columns.size()];
    if (latencies) {
      for (int i = 0; i < counts.length; i++) {
        counts[i] = row.getLong(columns.get(i));
      }
    }
    return counts;
  }

  private static LocalDate later(LocalDate one, LocalDate other) {
    return one.isAfter(other) ? one : other;
  }

  private static LocalDate earlier(LocalDate one, LocalDate other) {
    return one.isBefore(other) ? one : other;
  }
}
