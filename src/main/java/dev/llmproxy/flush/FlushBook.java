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
 * What the ledger keeps about the flush: how far it has come, the keys' counters up to there, which
 * sheet is whose, and the records that the workbook refuses. Used by one flush at a time.
 */
public final class FlushBook implements SheetMemory {
  private static final int LONGEST_ERROR = 1000;
  private static final long DAY_MILLIS = 86_400_000;

  // Two selects, because an OR over both tables would read every request.
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
          // People who sign in come without a key.
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

  /** The records put aside, oldest first; of a ledger that a server may have open. */
  public static List<DeadLetter> deadLetters(Settings settings) {
    return Ledger.look(settings, FlushBook::deadLettersOf, List.of());
  }

  /**
   * Which sheet is which by the ledger, which a server may have open; what is new is not
   * remembered. Nothing is remembered when the ledger is not there or cannot be read.
   */
  public static SheetMemory sheetMemory(Settings settings) {
    return new SheetMemory() {
      @Override
      public Map<String, Integer> sheetIds(String spreadsheetId) {
        try {
          return Ledger.look(
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
   * Has the records put aside tried again by the server that has, or will next have, the ledger.
   *
   * @return how many they are
   */
  public static int retryDeadLetters(Settings settings) {
    return Ledger.change(settings, FlushBook::retry, 0);
  }

  /**
   * How far the flush is known to have come.
   *
   * @param spreadsheet that receives rows; null until the first round has found it out
   * @param since when it began to; null with it
   * @param checkpoint the sequence up to which records are in the workbook
   * @param retries the retry number up to which retried records are
   * @param rotationReason why a new spreadsheet is being started; null when none is
   * @param nextSpreadsheet which; null until known
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

  /** Reads again what another server may have changed. */
  void reload() {
    state = ledger.read(FlushBook::readState);
    sheetIds.clear();
  }

  /**
   * Notes that the workbook stands here, and brings the counters along. When it stands further back
   * than it did, because somebody has restored an older version of it, they are counted anew.
   */
  public void stands(long checkpoint, long retries) {
    State before = state;
    boolean back = checkpoint < before.checkpoint || retries < before.retries;
    long fromCheckpoint = back ? 0 : before.checkpoint;
    long fromRetries = back ? 0 : before.retries;
    // Summed up before, so that the ledger's one writing thread does not wait for it.
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
        // Another server, which writes by now, has counted them.
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

  /** The counters of all keys known, by hash, up to the checkpoint. */
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

  /** The keys whose counters in the sheet have been taken over. */
  Set<String> keysTakenOver() {
    Set<String> keys = new HashSet<>();
    rows("select key_hash from key_counter where base_requests is not null", 1)
        .forEach(row -> keys.add((String) row[0]));
    return keys;
  }

  /**
   * Notes what the sheets show for keys seen for the first time, by hash: what this ledger adds is
   * added to that.
   */
  public void takeOver(Map<String, KeyCount> shown) {
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

  /** How many of a user's records of that UTC day are at or below the checkpoint. */
  long recordsOfDay(String email, long day) {
    List<Object[]> found =
        rows("select records from flush_day where email = ? and day = ?", 1, email, day);
    return found.isEmpty() ? 0 : number(found.get(0)[0]);
  }

  /** The day that a record counts for: days since 1970, UTC. */
  static long day(Instant timestamp) {
    return Math.floorDiv(timestamp.toEpochMilli(), DAY_MILLIS);
  }

  /** The ids of the requests that have ever been parked and have a sequence above this one. */
  Set<String> parkedAfter(long sequence) {
    Set<String> requests = new HashSet<>();
    rows("select request_id from dead_letter where sequence > ?", 1, sequence)
        .forEach(row -> requests.add((String) row[0]));
    return requests;
  }

  /** Parked records that are to be tried again, by retry number, at most {@code limit}. */
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

  /** Puts a record aside that the workbook refuses. */
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

  /** Whether a parked record is to be tried again. */
  boolean retrying() {
    return !rows("select 1 from dead_letter where retry_number > ?", 1, state.retries).isEmpty();
  }

  /** Notes the spreadsheet that receives rows from now on; ends a rotation. */
  void use(String spreadsheet, Instant since) {
    write(connection ->
        Jdbc.update(
            connection,
            "update flush_state set spreadsheet = ?, since = ?, rotation_reason = null, next_spreadsheet = null",
            spreadsheet,
            since.toEpochMilli()));
  }

  /** Notes that a new spreadsheet is to be started, and which as soon as that is known. */
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

  /** As {@link #sheetIds(String)}, from a ledger that another process may have open. */
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

  /** The records put aside, oldest first; of a ledger that another process may have open. */
  static List<DeadLetter> deadLettersOf(Connection connection) throws SQLException {
    return Jdbc.list(
        connection,
        "select d.request_id, r.admitted_at, r.email, r.model, d.parked_at, d.error, d.retry_number"
            + " from dead_letter d join request r on r.request_id = d.request_id"
            + " where d.retry_number is null or d.retry_number > (select retries from flush_state)"
            + " order by d.sequence",
        row ->
            new DeadLetter(
                row.getString(1),
                Instant.ofEpochMilli(row.getLong(2)),
                row.getString(3),
                row.getString(4),
                Instant.ofEpochMilli(row.getLong(5)),
                row.getString(6),
                row.getObject(7) != null));
  }

  /**
   * Has the records put aside tried again, in one transaction of the caller's; returns how many.
   */
  static int retry(Connection connection) throws SQLException {
    // First, because it takes the lock: the server may be giving numbers too.
    Jdbc.update(connection, "update flush_state set retry_numbers = retry_numbers + 0");
    long number = number(query(connection, "select retry_numbers from flush_state", 1).get(0)[0]);
    List<Object[]> parked =
        query(
            connection,
            "select request_id from dead_letter where retry_number is null order by sequence",
            1);
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

  /** What is counted of each key, by hash, between two places of the flush. */
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
   * Tokens stay at the most that fits: SQLite would go on with a fraction, PostgreSQL not at all.
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
