package dev.llmproxy.ledger;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.call.Status;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The SQL of the table {@code request}. Every settlement first locks the one row of {@code ledger}.
 * That row assigns the sequences and makes several servers take turns.
 */
public final class RequestTable {
  static final int PICODOLLAR_DIGITS = 12;
  private static final BigInteger MOST = BigInteger.valueOf(Long.MAX_VALUE);
  private static final long SUM_UNIT = 1_000_000_000;
  public static final int LONGEST_EMAIL = 320;
  static final int LONGEST_MODEL = 256;
  private static final String NEXT_SEQUENCES =
      "update ledger set last_sequence = last_sequence + ? returning last_sequence";

  /** For {@link #record}. */
  static final String SELECT =
      "select sequence, request_id, admitted_at, email, key_hash, type, model, provider, tokens_in,"
          + " tokens_out, turns, tool_calls, cost_picodollars, duration_ms, status from request";

  private RequestTable() {}

  /**
   * Adds admitted requests.
   *
   * @return for each request, whether it was new
   */
  static List<Boolean> admit(Prepared prepared, String instance, List<Admission> admissions)
      throws SQLException {
    PreparedStatement insert =
        prepared.statement(
            "insert into request (request_id, admitted_at, email, key_hash, type, model, provider, tokens_in,"
                + " tokens_out, cost_picodollars, instance) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                + " on conflict (request_id) do nothing");
    for (Admission admission : admissions) {
      insert.setString(1, admission.requestId());
      insert.setLong(2, admission.admittedAt().toEpochMilli());
      insert.setString(3, storable(admission.caller().email(), LONGEST_EMAIL));
      insert.setString(4, admission.caller().keyHash());
      insert.setString(5, admission.type());
      insert.setString(6, storable(admission.model(), LONGEST_MODEL));
      insert.setString(7, admission.provider());
      insert.setLong(8, Math.max(0, admission.tokens().in()));
      insert.setLong(9, Math.max(0, admission.tokens().out()));
      setCost(insert, 10, admission.cost());
      insert.setString(11, instance);
      insert.addBatch();
    }
    return changed(insert);
  }

  /**
   * Stores the usage of requests so far; settled requests stay unchanged.
   *
   * @return for each request, whether it was running
   */
  static List<Boolean> checkpoint(Prepared prepared, List<Checkpoint> checkpoints)
      throws SQLException {
    PreparedStatement update =
        prepared.statement(
            "update request set tokens_in = ?, tokens_out = ?, turns = ?, tool_calls = ?, cost_picodollars = ?,"
                + " duration_ms = ?, model = coalesce(?, model) where request_id = ? and sequence is null");
    for (Checkpoint checkpoint : checkpoints) {
      update.setLong(1, Math.max(0, checkpoint.tokens().in()));
      update.setLong(2, Math.max(0, checkpoint.tokens().out()));
      update.setInt(3, checkpoint.turns());
      update.setInt(4, checkpoint.toolCalls());
      setCost(update, 5, checkpoint.cost());
      update.setLong(6, checkpoint.duration().toMillis());
      update.setString(7, storable(checkpoint.model(), LONGEST_MODEL));
      update.setString(8, checkpoint.requestId());
      update.addBatch();
    }
    return changed(update);
  }

  /**
   * Settles requests. Each settlement uses up a sequence, also that of a request settled before.
   *
   * @return for each request its sequence, or 0 when it was not running
   */
  static List<Long> settle(Prepared prepared, List<Settlement> settlements) throws SQLException {
    long first = nextSequences(prepared.statement(NEXT_SEQUENCES), settlements.size());
    PreparedStatement update =
        prepared.statement(
            "update request set sequence = ?, status = ?, tokens_in = ?, tokens_out = ?, turns = ?, tool_calls = ?,"
                + " cost_picodollars = ?, duration_ms = ?, model = coalesce(?, model) where request_id = ? and sequence is null");
    long sequence = first;
    for (Settlement settlement : settlements) {
      update.setLong(1, sequence++);
      update.setString(2, settlement.status().name());
      update.setLong(3, Math.max(0, settlement.tokensIn()));
      update.setLong(4, Math.max(0, settlement.tokensOut()));
      update.setInt(5, settlement.turns());
      update.setInt(6, settlement.toolCalls());
      setCost(update, 7, settlement.cost());
      update.setLong(8, settlement.duration().toMillis());
      update.setString(9, storable(settlement.model(), LONGEST_MODEL));
      update.setString(10, settlement.requestId());
      update.addBatch();
    }
    List<Boolean> settled = changed(update);
    AttemptTable.add(prepared, settlements);
    return IntStream.range(0, settled.size())
        .mapToObj(i -> settled.get(i) ? first + i : 0L)
        .toList();
  }

  /**
   * Settles the running requests of an instance as INTERRUPTED, each with its last checkpoint.
   *
   * @param instance null for the requests of all instances
   * @return the number of settled requests
   */
  static int interrupt(Connection connection, String instance) throws SQLException {
    List<String> requests = new ArrayList<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "select request_id from request where sequence is null"
                + (instance == null ? "" : " and instance = ?")
                + " order by admitted_at, request_id")) {
      if (instance != null) {
        select.setString(1, instance);
      }
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          requests.add(row.getString(1));
        }
      }
    }
    if (requests.isEmpty()) {
      return 0;
    }
    long sequence;
    try (PreparedStatement update = connection.prepareStatement(NEXT_SEQUENCES)) {
      sequence = nextSequences(update, requests.size());
    }
    try (PreparedStatement update =
        connection.prepareStatement(
            "update request set sequence = ?, status = ?, duration_ms = coalesce(duration_ms, 0)"
                + " where request_id = ? and sequence is null")) {
      for (String request : requests) {
        update.setLong(1, sequence++);
        update.setString(2, Status.INTERRUPTED.name());
        update.setString(3, request);
        update.addBatch();
      }
      return (int) changed(update).stream().filter(settled -> settled).count();
    }
  }

  /** The sequence of the last settled record, or 0. */
  static long lastSequence(Connection connection) throws SQLException {
    try (PreparedStatement select =
            connection.prepareStatement("select coalesce(max(sequence), 0) from request");
        ResultSet row = select.executeQuery()) {
      return row.next() ? row.getLong(1) : 0;
    }
  }

  /** The end of a request; empty while it runs. */
  static Optional<RequestEnd> end(Connection connection, String requestId) throws SQLException {
    List<Optional<RequestEnd>> found =
        Jdbc.list(
            connection,
            "select sequence, cost_picodollars from request where request_id = ?",
            row -> {
              if (row.getObject(1) == null) {
                return Optional.empty();
              }
              long picodollars = row.getLong(2);
              return Optional.of(new RequestEnd(row.wasNull() ? null : dollars(picodollars)));
            },
            requestId);
    return found.isEmpty() ? Optional.of(new RequestEnd(BigDecimal.ZERO)) : found.getFirst();
  }

  /** Settled records after a sequence, in order, at most {@code limit}. */
  static List<UsageRecord> after(Connection connection, long sequence, int limit)
      throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(SELECT + " where sequence > ? order by sequence limit ?")) {
      select.setLong(1, sequence);
      select.setInt(2, limit);
      List<UsageRecord> records = new ArrayList<>();
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          records.add(record(row));
        }
      }
      return records;
    }
  }

  /** When the first record after a sequence was settled; empty when there is none. */
  static Optional<Instant> settledAfter(Connection connection, long sequence) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "select admitted_at + coalesce(duration_ms, 0) from request where sequence > ?"
                + " order by sequence limit 1")) {
      select.setLong(1, sequence);
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? Optional.of(Instant.ofEpochMilli(row.getLong(1))) : Optional.empty();
      }
    }
  }

  /** The usage of each user and model, of requests admitted since then. */
  static List<UsageTotal> totals(Connection connection, Instant since) throws SQLException {
    String turns = hasTurns(connection) ? "sum(turns), sum(tool_calls)" : "count(*), 0";
    try (PreparedStatement select =
        connection.prepareStatement(
            "select email, model, count(*), "
                + turns
                + ", "
                + sum("tokens_in")
                + ", "
                + sum("tokens_out")
                + ", "
                + sum("cost_picodollars")
                + ", sum(case when cost_picodollars is null and (tokens_in > 0 or tokens_out > 0) then 1 else 0 end)"
                + " from request where sequence is not null and admitted_at >= ? group by email, model"
                + " order by email, model")) {
      select.setLong(1, since.toEpochMilli());
      List<UsageTotal> totals = new ArrayList<>();
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          totals.add(
              new UsageTotal(
                  row.getString(1),
                  row.getString(2),
                  row.getLong(3),
                  row.getLong(4),
                  row.getLong(5),
                  saturated(sum(row, 6)),
                  saturated(sum(row, 8)),
                  new BigDecimal(sum(row, 10), PICODOLLAR_DIGITS),
                  row.getLong(12)));
        }
      }
      return totals;
    }
  }

  /** Whether the ledger has turns; one of an earlier release lacks them until a server opens it. */
  private static boolean hasTurns(Connection connection) throws SQLException {
    try (ResultSet column =
        connection.getMetaData().getColumns(null, connection.getSchema(), "request", "turns")) {
      return column.next();
    }
  }

  /**
   * Reserves this number of sequences and returns the first.
   *
   * @param update the statement {@link #NEXT_SEQUENCES}
   */
  private static long nextSequences(PreparedStatement update, int count) throws SQLException {
    update.setInt(1, count);
    try (ResultSet row = update.executeQuery()) {
      row.next();
      return row.getLong(1) - count + 1;
    }
  }

  private static List<Boolean> changed(PreparedStatement batch) throws SQLException {
    return Arrays.stream(batch.executeBatch()).mapToObj(rows -> rows > 0).toList();
  }

  /** The settled request of a row of {@link #SELECT}. */
  static UsageRecord record(ResultSet row) throws SQLException {
    long picodollars = row.getLong(13);
    BigDecimal cost = row.wasNull() ? null : dollars(picodollars);
    return new UsageRecord(
        row.getLong(1),
        row.getString(2),
        Instant.ofEpochMilli(row.getLong(3)),
        row.getString(4),
        row.getString(5),
        row.getString(6),
        row.getString(7),
        row.getString(8),
        row.getLong(9),
        row.getLong(10),
        row.getInt(11),
        row.getInt(12),
        cost,
        row.getLong(14),
        Status.valueOf(row.getString(15)));
  }

  static void setCost(PreparedStatement statement, int index, BigDecimal dollars)
      throws SQLException {
    if (dollars == null) {
      statement.setNull(index, Types.BIGINT);
    } else {
      statement.setLong(
          index,
          saturated(dollars.setScale(PICODOLLAR_DIGITS, RoundingMode.HALF_EVEN).unscaledValue()));
    }
  }

  /**
   * The SQL of two columns that {@link #sum(ResultSet, int)} combines. SQLite's sum fails beyond 64
   * bits; these partial sums cannot.
   *
   * @param column a column of whole numbers
   */
  public static String sum(String column) {
    return "coalesce(sum(%s / %d), 0), coalesce(sum(%s %% %d), 0)"
        .formatted(column, SUM_UNIT, column, SUM_UNIT);
  }

  /** The exact sum of the columns made by {@link #sum(String)}. */
  public static BigInteger sum(ResultSet row, int column) throws SQLException {
    return BigInteger.valueOf(row.getLong(column))
        .multiply(BigInteger.valueOf(SUM_UNIT))
        .add(BigInteger.valueOf(row.getLong(column + 1)));
  }

  /** The number, limited to the range from 0 to the largest value that fits a column. */
  public static long saturated(BigInteger number) {
    return number.max(BigInteger.ZERO).min(MOST).longValue();
  }

  static BigDecimal dollars(long picodollars) {
    return BigDecimal.valueOf(picodollars, PICODOLLAR_DIGITS);
  }

  /**
   * The text as it can be stored; null for null. PostgreSQL accepts no NUL, no unpaired surrogates
   * and no text beyond the column's size, and model ids come from clients.
   */
  public static String storable(String text, int longest) {
    if (text == null) {
      return null;
    }
    String whole =
        new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8)
            .replace('\0', '\uFFFD');
    return whole.codePointCount(0, whole.length()) <= longest
        ? whole
        : whole.substring(0, whole.offsetByCodePoints(0, longest));
  }
}
