package dev.llmproxy.ledger;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Jdbc;
import java.sql.SQLException;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Adds settled requests to the tables of usage statistics, each exactly once: the sums and the
 * sequence up to which they go change in one transaction. It shares the ledger's writing thread
 * with the requests, so a batch is small. Used by one thread.
 */
public final class UsageRollup {
  /** A batch occupies the writing thread for a few ms at most. */
  static final int BATCH = 50;

  /** An old ledger is summed with pauses, so that requests are served as always meanwhile. */
  private static final int MOST_IN_A_ROW = 200;

  private static final String IN_BATCH = " where r.sequence > ? and r.sequence <= ?";
  private static final String OWNER =
      "usage_owner o on o.key_hash = r.key_hash and o.email = r.email";
  private static final String MODEL = "usage_model m on m.model = r.model";
  private static final String DAY = "r.admitted_at / " + UsageMeasures.DAY_MILLIS;

  private static final String ADD_DAYS =
      add(
          "usage_day",
          "day, owner, model, type, status",
          "",
          DAY + ", o.id, m.id, r.type, r.status",
          "join " + OWNER + " join " + MODEL,
          IN_BATCH,
          UsageMeasures.LATENCY_COLUMNS,
          UsageMeasures.LATENCY_SUMS);
  private static final String ADD_MODEL_DAYS =
      add(
          "usage_model_day",
          "day, model, type, status",
          "",
          DAY + ", m.id, r.type, r.status",
          "join " + MODEL,
          IN_BATCH,
          UsageMeasures.LATENCY_COLUMNS,
          UsageMeasures.LATENCY_SUMS);
  private static final String ADD_HOURS =
      add(
          "usage_hour",
          "hour, status",
          "",
          "r.admitted_at / " + UsageMeasures.HOUR_MILLIS + ", r.status",
          "",
          IN_BATCH,
          UsageMeasures.LATENCY_COLUMNS,
          UsageMeasures.LATENCY_SUMS);

  /** SQL has no common expression for the month of a time, so the month is a parameter. */
  private static final String ADD_MONTH =
      add(
          "usage_month",
          "month, owner",
          "cast(? as integer)",
          "o.id",
          "join " + OWNER,
          IN_BATCH + " and r.admitted_at >= ? and r.admitted_at < ?",
          UsageMeasures.END_COLUMNS,
          UsageMeasures.END_SUMS);

  private final Ledger ledger;
  private long summed;
  private int inARow;

  public UsageRollup(Ledger ledger) {
    this.ledger = ledger;
  }

  /**
   * Whether settled requests are not summed yet. After many batches the answer is false once, so
   * that the route pauses.
   */
  public boolean behind() {
    if (inARow == MOST_IN_A_ROW || ledger.lastSequence() <= summed) {
      inARow = 0;
      return false;
    }
    inARow++;
    return true;
  }

  /**
   * Sums the next requests.
   *
   * @throws LedgerException when the ledger cannot be written now
   */
  public void sumNext() {
    summed = ledger.sumUsage(BATCH);
  }

  /** Sums at most {@code limit} requests; returns the sequence up to which all are summed. */
  static long sumBatch(Prepared prepared, int limit) throws SQLException {
    // All writers lock this row first. Servers that share the ledger take turns, without deadlocks.
    update(prepared, "update ledger set last_sequence = last_sequence");
    long from = number(prepared, "select sequence from usage_rollup");
    long upTo =
        number(
            prepared,
            "select coalesce(max(b.sequence), 0) from"
                + " (select sequence from request where sequence > ? order by sequence limit ?) b",
            from,
            limit);
    if (upTo == 0) {
      return from;
    }
    addOwners(prepared, from, upTo);
    addModels(prepared, from, upTo);
    for (String add : List.of(ADD_DAYS, ADD_MODEL_DAYS, ADD_HOURS)) {
      update(prepared, add, from, upTo);
    }
    for (YearMonth month : months(prepared, from, upTo)) {
      update(
          prepared,
          ADD_MONTH,
          UsageMeasures.month(month),
          from,
          upTo,
          UsageMeasures.begin(month),
          UsageMeasures.begin(month.plusMonths(1)));
    }
    update(prepared, "update usage_rollup set sequence = ?", upTo);
    return upTo;
  }

  private static void addOwners(Prepared prepared, long from, long upTo) throws SQLException {
    record Owner(String keyHash, String email) {}
    List<Owner> owners =
        list(
            prepared,
            "select distinct r.key_hash, r.email from request r left join "
                + OWNER
                + IN_BATCH
                + " and o.id is null",
            row -> new Owner(row.getString(1), row.getString(2)),
            from,
            upTo);
    if (owners.isEmpty()) {
      return;
    }
    long id = number(prepared, "select coalesce(max(id), 0) from usage_owner");
    for (Owner owner : owners) {
      id++;
      String person = EmailAddress.folded(owner.email);
      long personId =
          number(
              prepared,
              "select coalesce(min(id), ?) from usage_owner where person = ?",
              id,
              person);
      update(
          prepared,
          "insert into usage_owner (id, email, key_hash, person, person_id) values (?, ?, ?, ?, ?)",
          id,
          owner.email,
          owner.keyHash,
          person,
          personId);
    }
  }

  private static void addModels(Prepared prepared, long from, long upTo) throws SQLException {
    List<String> models =
        list(
            prepared,
            "select distinct r.model from request r left join "
                + MODEL
                + IN_BATCH
                + " and m.id is null",
            row -> row.getString(1),
            from,
            upTo);
    for (String model : models) {
      update(
          prepared,
          "insert into usage_model (id, model)"
              + " select coalesce(max(id), 0) + 1, cast(? as varchar(256)) from usage_model",
          model);
    }
  }

  private static Set<YearMonth> months(Prepared prepared, long from, long upTo)
      throws SQLException {
    return list(
            prepared,
            "select distinct " + DAY + " from request r" + IN_BATCH,
            row ->
                YearMonth.from(
                    Instant.ofEpochMilli(row.getLong(1) * UsageMeasures.DAY_MILLIS)
                        .atOffset(ZoneOffset.UTC)),
            from,
            upTo)
        .stream()
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /**
   * The statement that adds the sums of requests to a table.
   *
   * @param unique the columns by which its rows are unique
   * @param given the values of the first of these columns that are not in a request
   * @param grouped the expressions of the others
   */
  private static String add(
      String table,
      String unique,
      String given,
      String grouped,
      String joins,
      String where,
      List<String> furtherColumns,
      String furtherSums) {
    List<String> columns =
        Stream.concat(UsageMeasures.COUNT_COLUMNS.stream(), furtherColumns.stream()).toList();
    return "insert into "
        + table
        + " ("
        + unique
        + ", "
        + String.join(", ", columns)
        + ") select "
        + (given.isEmpty() ? "" : given + ", ")
        + String.join(", ", grouped, UsageMeasures.COUNT_SUMS, furtherSums)
        + " from request r "
        + joins
        + where
        + " group by "
        + grouped
        + " on conflict ("
        + unique
        + ") do update set "
        + columns.stream()
            .map(column -> "%1$s = %2$s.%1$s + excluded.%1$s".formatted(column, table))
            .collect(Collectors.joining(", "));
  }

  private static long number(Prepared prepared, String sql, Object... parameters)
      throws SQLException {
    return list(prepared, sql, row -> row.getLong(1), parameters).getFirst();
  }

  private static <T> List<T> list(
      Prepared prepared, String sql, Jdbc.RowReader<T> reader, Object... parameters)
      throws SQLException {
    return Jdbc.list(Jdbc.bind(prepared.statement(sql), parameters), reader);
  }

  private static int update(Prepared prepared, String sql, Object... parameters)
      throws SQLException {
    return Jdbc.bind(prepared.statement(sql), parameters).executeUpdate();
  }
}
