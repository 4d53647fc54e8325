package dev.llmproxy.flush;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Settings;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.RequestTable;
import dev.llmproxy.ledger.Statements;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.SheetMemory;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The state of the flush in the ledger: the checkpoint, the keys' counters up to the checkpoint,
 * the ids of the sheets, and the records that the workbook refuses. Used by one flush at a time.
 */
public final class FlushBook implements SheetMemory {
  private static final int LONGEST_ERROR = 1000;
  private static final long DAY_MILLIS = 86_400_000;

  // Two selects, because an OR over both tables would scan every request.
  private static final String WRITTEN =
      "(select r.email, r.key_hash, r.admitted_at, r.tokens_in, r.tokens_out, 0 as retried from request r"
          + " where r.sequence > ? and r.sequence <= ?"
          + " and not exists (select 1 from dead_letter d where d.request_id = r.request_id)"
          + " union all select r.email, r.key_hash, r.admitted_at, r.tokens_in, r.tokens_out, 1 as retried"
          + " from dead_letter d join request r on r.request_id = d.request_id"
          + " where d.retry_number > ? and d.retry_number <= ?) w";
  private static final String COUNTS =
      "select key_hash, count(*), max(admitted_at), "
          + RequestTable.sum("tokens_in")
          + ", "
          + RequestTable.sum("tokens_out")
          + " from "
          + WRITTEN
          // Signed-in people have no key.
          + " where key_hash <> '' group by key_hash";
  private static final String DAYS =
      "select email, admitted_at / "
          + DAY_MILLIS
          + ", count(*) from "
          + WRITTEN
          + " where retried = 0 group by email, admitted_at / "
          + DAY_MILLIS;

  private final Ledger ledger;
  private final Map<String, Map<String, Integer>> sheetIds = new ConcurrentHashMap<>();
  private volatile State state;

  public FlushBook(Ledger ledger) {
    this.ledger = ledger;
    this.state = ledger.read(FlushBook::readState);
  }

  /** The records put aside, oldest first. A server may have the ledger open. */
  public static List<DeadLetter> deadLetters(Settings settings) {
    return Ledger.inspect(
        settings, connection -> deadLettersOf(connection, Integer.MAX_VALUE), List.of());
  }

  /**
   * The sheet ids that the ledger stores. A server may have the ledger open. New ids are not
   * stored. The result has no stored ids when the ledger is missing or cannot be read.
   */
  public static SheetMemory sheetMemory(Settings settings) {
    return new SheetMemory() {
      @Override
      public Map<String, Integer> sheetIds(String spreadsheetId) {
        try {
          return Ledger.inspect(
              settings, connection -> FlushBook.sheetIds(connection, spreadsheetId), Map.of());
        } catch (LedgerException e) {
          return Map.of();
        }
      }

      @Override
      public void remember(String spreadsheetId, String title, int sheetId) {}
    };
  }

  /**
   * Makes the server that has the ledger open, or opens it next, try the records put aside again.
   *
   * @return the number of these records
   */
  public static int retryDeadLetters(Settings settings) {
    return Ledger.change(settings, connection -> retry(connection, null), 0);
  }

  /**
   * The known progress of the flush.
   *
   * @param spreadsheet the id of the spreadsheet that receives rows; null until the first round has
   *     found it
   * @param since when that spreadsheet began to receive rows; null if {@code spreadsheet} is null
   * @param checkpoint the sequence up to which records are in the workbook
   * @param retries the retry number up to which retried records are in the workbook
   * @param rotationReason why the flush is starting a new spreadsheet; null when it is not
   * @param nextSpreadsheet the id of the new spreadsheet; null until known
   */
  record State(
      String spreadsheet,
      Instant since,
      long checkpoint,
      long retries,
      String rotationReason,
      String nextSpreadsheet) {}

  /**
   * A key's counters.
   *
   * @param lastUsed null when this ledger has written no record of the key
   */
  public record KeyCount(long requests, long tokens, Instant lastUsed) {}

  State state() {
    return state;
  }

  /** The checkpoint in the ledger, which another server may have moved. */
  long storedCheckpoint() {
    return number(rows("select checkpoint from flush_state", 1).getFirst()[0]);
  }

  /** Reads the state again, because another server may have changed it. */
  void reload() {
    state = ledger.read(FlushBook::readState);
    sheetIds.clear();
  }

  /**
   * Stores the workbook's checkpoint and updates the counters to it. If somebody has restored an
   * older version of the workbook, the checkpoint is lower than before; the counters are then
   * computed from the start.
   */
  public void setCheckpoint(long checkpoint, long retries) {
    State before = state;
    boolean back = checkpoint < before.checkpoint || retries < before.retries;
    long fromCheckpoint = back ? 0 : before.checkpoint;
    long fromRetries = back ? 0 : before.retries;
    // The sums are computed first, so that the ledger's one writing thread does not wait for them.
    Map<String, KeyCount> counts = counts(fromCheckpoint, checkpoint, fromRetries, retries);
    List<Object[]> days = rows(DAYS, 3, fromCheckpoint, checkpoint, fromRetries, retries);
    write(connection -> {
      if (Jdbc.update(
              connection,
              "update flush_state set checkpoint = ?, retries = ? where checkpoint = ? and retries = ?",
              checkpoint,
              retries,
              before.checkpoint,
              before.retries)
          == 0) {
        // Another server is the writer now and has already counted these records.
        return null;
      }
      if (back) {
        Jdbc.update(
            connection, "update key_counter set requests = 0, tokens = 0, last_used = null");
        Jdbc.update(connection, "delete from flush_day");
      }
      for (Map.Entry<String, KeyCount> key : counts.entrySet()) {
        addCount(connection, key.getKey(), key.getValue());
      }
      for (Object[] day : days) {
        if (Jdbc.update(
                connection,
                "update flush_day set records = records + ? where email = ? and day = ?",
                day[2],
                day[0],
                day[1])
            == 0) {
          Jdbc.update(
              connection,
              "insert into flush_day (email, day, records) values (?, ?, ?)",
              day[0],
              day[1],
              day[2]);
        }
      }
      return null;
    });
  }

  /** The counters of all known keys up to the checkpoint, by key hash. */
  public Map<String, KeyCount> keyCounts() {
    Map<String, KeyCount> counts = new HashMap<>();
    for (Object[] row :
        rows(
            "select key_hash, coalesce(base_requests, 0) + requests, coalesce(base_tokens, 0), tokens, last_used from key_counter",
            5)) {
      Instant lastUsed = row[4] == null ? null : Instant.ofEpochMilli(number(row[4]));
      BigInteger tokens =
          BigInteger.valueOf(number(row[2])).add(BigInteger.valueOf(number(row[3])));
      counts.put(
          (String) row[0], new KeyCount(number(row[1]), RequestTable.saturated(tokens), lastUsed));
    }
    return counts;
  }

  /** The hashes of the keys whose first counters in the sheet have been stored. */
  Set<String> keysWithBaseCounts() {
    Set<String> keys = new HashSet<>();
    rows("select key_hash from key_counter where base_requests is not null", 1)
        .forEach(row -> keys.add((String) row[0]));
    return keys;
  }

  /**
   * Stores the sheet's counters of keys seen for the first time, by key hash. The ledger's sums are
   * added to these values.
   */
  public void setBaseCounts(Map<String, KeyCount> shown) {
    write(connection -> {
      for (Map.Entry<String, KeyCount> key : shown.entrySet()) {
        long requests = key.getValue().requests();
        long tokens = key.getValue().tokens();
        if (Jdbc.update(
                connection,
                "update key_counter set base_requests = ?, base_tokens = ?"
                    + " where key_hash = ? and base_requests is null",
                requests,
                tokens,
                key.getKey())
            == 0) {
          Jdbc.update(
              connection,
              "insert into key_counter (key_hash, base_requests, base_tokens, requests, tokens)"
                  + " values (?, ?, ?, 0, 0)",
              key.getKey(),
              requests,
              tokens);
        }
      }
      return shown.size();
    });
  }

  /** The number of a user's records of a UTC day at or below the checkpoint. */
  long recordsOfDay(String email, long day) {
    List<Object[]> found =
        rows("select records from flush_day where email = ? and day = ?", 1, email, day);
    return found.isEmpty() ? 0 : number(found.get(0)[0]);
  }

  /** The UTC day of a record, in days since 1970. */
  static long day(Instant timestamp) {
    return Math.floorDiv(timestamp.toEpochMilli(), DAY_MILLIS);
  }

  /** The ids of the requests that have ever been put aside and have a higher sequence. */
  Set<String> parkedAfter(long sequence) {
    Set<String> requests = new HashSet<>();
    rows("select request_id from dead_letter where sequence > ?", 1, sequence)
        .forEach(row -> requests.add((String) row[0]));
    return requests;
  }

  /** Records put aside that are to be tried again, by retry number, at most {@code limit}. */
  Map<Long, UsageRecord> retries(int limit) {
    Map<Long, UsageRecord> records = new java.util.LinkedHashMap<>();
    for (Object[] row :
        rows(
            "select retry_number, sequence from dead_letter where retry_number > ? order by retry_number limit ?",
            2,
            state.retries,
            limit)) {
      records.put(number(row[0]), ledger.after(number(row[1]) - 1, 1).get(0));
    }
    return records;
  }

  /** Puts aside a record that the workbook refuses. */
  void park(UsageRecord record, String error, Instant when) {
    String shown = error.length() > LONGEST_ERROR ? error.substring(0, LONGEST_ERROR) : error;
    write(connection -> {
      if (Jdbc.update(
              connection,
              "update dead_letter set error = ?, parked_at = ?, retry_number = null where request_id = ?",
              shown,
              when.toEpochMilli(),
              record.requestId())
          == 0) {
        Jdbc.update(
            connection,
            "insert into dead_letter (request_id, sequence, error, parked_at) values (?, ?, ?, ?)",
            record.requestId(),
            record.sequence(),
            shown,
            when.toEpochMilli());
      }
      return null;
    });
  }

  /** The number of records put aside that are not to be tried again. */
  long deadLetters() {
    return number(
        rows("select count(*) from dead_letter where retry_number is null", 1).getFirst()[0]);
  }

  /** Whether a record that was put aside is to be tried again. */
  boolean retrying() {
    return !rows("select 1 from dead_letter where retry_number > ?", 1, state.retries).isEmpty();
  }

  /** Stores the spreadsheet that receives rows from now on, and ends a rotation. */
  void use(String spreadsheet, Instant since) {
    write(connection ->
        Jdbc.update(
            connection,
            "update flush_state set spreadsheet = ?, since = ?, rotation_reason = null, next_spreadsheet = null",
            spreadsheet,
            since.toEpochMilli()));
  }

  /** Stores that a new spreadsheet is to be started, and its id once that is known. */
  void rotate(String reason, String nextSpreadsheet) {
    write(connection ->
        Jdbc.update(
            connection,
            "update flush_state set rotation_reason = ?, next_spreadsheet = ?",
            reason,
            nextSpreadsheet));
  }

  @Override
  public Map<String, Integer> sheetIds(String spreadsheetId) {
    return sheetIds.computeIfAbsent(
        spreadsheetId, id -> ledger.read(connection -> sheetIds(connection, id)));
  }

  /** Like {@link #sheetIds(String)}, for a ledger that another process may have open. */
  static Map<String, Integer> sheetIds(Connection connection, String spreadsheetId)
      throws SQLException {
    Map<String, Integer> known = new ConcurrentHashMap<>();
    for (Object[] row :
        query(
            connection,
            "select title, sheet_id from flush_sheet where spreadsheet = ?",
            2,
            spreadsheetId)) {
      known.put((String) row[0], (int) number(row[1]));
    }
    return known;
  }

  @Override
  public void remember(String spreadsheetId, String title, int sheetId) {
    ledger.write(connection -> {
      Jdbc.update(
          connection,
          "delete from flush_sheet where spreadsheet = ? and (title = ? or sheet_id = ?)",
          spreadsheetId,
          title,
          sheetId);
      return Jdbc.update(
          connection,
          "insert into flush_sheet (spreadsheet, title, sheet_id) values (?, ?, ?)",
          spreadsheetId,
          title,
          sheetId);
    });
    sheetIds(spreadsheetId).put(title, sheetId);
  }

  /** The records put aside, oldest first, at most {@code limit}. */
  List<DeadLetter> refusedRecords(int limit) {
    return ledger.read(connection -> deadLettersOf(connection, limit));
  }

  /**
   * Makes the flush try records again that were put aside.
   *
   * @param requestId the id of the record's request; null for all records
   * @return the number of these records; 0 when there is no such record, or it is being tried
   */
  int retry(String requestId) {
    return ledger.write(connection -> retry(connection, requestId));
  }

  /** The records put aside, oldest first, of a ledger that another process may have open. */
  private static List<DeadLetter> deadLettersOf(Connection connection, int limit)
      throws SQLException {
    return Jdbc.list(
        connection,
        "select d.request_id, r.admitted_at, r.email, r.model, d.parked_at, d.error, d.retry_number"
            + " from dead_letter d join request r on r.request_id = d.request_id"
            + " where d.retry_number is null or d.retry_number > (select retries from flush_state)"
            + " order by d.sequence limit ?",
        row ->
            new DeadLetter(
                row.getString(1),
                Instant.ofEpochMilli(row.getLong(2)),
                row.getString(3),
                row.getString(4),
                Instant.ofEpochMilli(row.getLong(5)),
                row.getString(6),
                row.getObject(7) != null),
        limit);
  }

  /**
   * Marks records put aside to be tried again, in the caller's transaction. Returns their number.
   *
   * @param requestId null for all
   */
  private static int retry(Connection connection, String requestId) throws SQLException {
    // This update comes first because it takes the lock: the server may assign retry numbers too.
    Jdbc.update(connection, "update flush_state set retry_numbers = retry_numbers + 0");
    long number = number(query(connection, "select retry_numbers from flush_state", 1).get(0)[0]);
    List<Object[]> parked =
        query(
            connection,
            "select request_id from dead_letter where retry_number is null and request_id = coalesce(?, request_id)"
                + " order by sequence",
            1,
            requestId);
    for (Object[] row : parked) {
      number++;
      Jdbc.update(
          connection,
          "update dead_letter set retry_number = ? where request_id = ?",
          number,
          row[0]);
    }
    Jdbc.update(connection, "update flush_state set retry_numbers = ?", number);
    return parked.size();
  }

  private <T> void write(Statements<T> statements) {
    state =
        ledger.write(connection -> {
          statements.run(connection);
          return readState(connection);
        });
  }

  /** The sums of each key between two checkpoints, by key hash. */
  private Map<String, KeyCount> counts(
      long fromCheckpoint, long toCheckpoint, long fromRetries, long toRetries) {
    Map<String, KeyCount> counts = new HashMap<>();
    ledger
        .read(connection ->
            Jdbc.list(
                connection,
                COUNTS,
                row -> Map.entry(row.getString(1), keyCount(row)),
                fromCheckpoint,
                toCheckpoint,
                fromRetries,
                toRetries))
        .forEach(key -> counts.put(key.getKey(), key.getValue()));
    return counts;
  }

  private static KeyCount keyCount(ResultSet row) throws SQLException {
    BigInteger tokens = RequestTable.sum(row, 4).add(RequestTable.sum(row, 6));
    return new KeyCount(
        row.getLong(2), RequestTable.saturated(tokens), Instant.ofEpochMilli(row.getLong(3)));
  }

  /**
   * Tokens stop at the largest value that fits: beyond it, SQLite would continue with a fraction
   * and PostgreSQL would fail.
   */
  private static void addCount(Connection connection, String key, KeyCount count)
      throws SQLException {
    long lastUsed = count.lastUsed().toEpochMilli();
    if (Jdbc.update(
            connection,
            "update key_counter set requests = requests + ?,"
                + " tokens = case when tokens > ? then ? else tokens + ? end,"
                + " last_used = case when last_used > ? then last_used else ? end where key_hash = ?",
            count.requests(),
            Long.MAX_VALUE - count.tokens(),
            Long.MAX_VALUE,
            count.tokens(),
            lastUsed,
            lastUsed,
            key)
        == 0) {
      Jdbc.update(
          connection,
          "insert into key_counter (key_hash, requests, tokens, last_used) values (?, ?, ?, ?)",
          key,
          count.requests(),
          count.tokens(),
          lastUsed);
    }
  }

  private static State readState(Connection connection) throws SQLException {
    Object[] row =
        query(
                connection,
                "select spreadsheet, since, checkpoint, retries, rotation_reason, next_spreadsheet from flush_state",
                6)
            .get(0);
    return new State(
        (String) row[0],
        Optional.ofNullable(row[1]).map(since -> Instant.ofEpochMilli(number(since))).orElse(null),
        number(row[2]),
        number(row[3]),
        (String) row[4],
        (String) row[5]);
  }

  private List<Object[]> rows(String sql, int columns, Object... parameters) {
    return ledger.read(connection -> query(connection, sql, columns, parameters));
  }

  private static List<Object[]> query(
      Connection connection, String sql, int columns, Object... parameters) throws SQLException {
    return Jdbc.list(
        connection,
        sql,
        row -> {
          Object[] values = new Object[columns];
          for (int i = 0; i < columns; i++) {
            values[i] = row.getObject(i + 1);
          }
          return values;
        },
        parameters);
  }

  private static long number(Object value) {
    return ((Number) value).longValue();
  }
}
