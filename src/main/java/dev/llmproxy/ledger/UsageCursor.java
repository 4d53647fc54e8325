package dev.llmproxy.ledger;

import dev.llmproxy.base.Jdbc;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The SQL of the table {@code usage_cursor}. Sequences grow in the order of commits, because every
 * settlement holds the lock of the ledger's row until its commit. So a reader that sees a sequence
 * sees all lower ones, and a cursor never passes a record that appears later.
 */
final class UsageCursor {
  private static final int LONGEST_PROBLEM = 1000;

  private UsageCursor() {}

  /**
   * The state of a consumer.
   *
   * @param name the route's id
   * @param waiting the number of settled requests that are not delivered
   * @param failures how often in a row the delivery has failed
   * @param problem why it failed the last time; null when it has not
   */
  record State(String name, long waiting, int failures, String problem) {}

  /** What {@link #claim} gives. */
  record Claim(long sequence, int failures) {}

  /** Begins a consumer, unless it exists: it gets what is settled from now on. */
  static int create(Connection connection, String name) throws SQLException {
    return Jdbc.update(
        connection,
        "insert into usage_cursor (name, sequence, failures, retry_at)"
            + " select cast(? as varchar(100)), last_sequence, 0, 0 from ledger where 1 = 1"
            + " on conflict (name) do nothing",
        name);
  }

  /**
   * The sequence of a consumer whose next batch this server may try to claim; empty when it does
   * not exist, waits after a failure, or a living server delivers a batch.
   */
  static Optional<Long> free(Connection connection, String name, String own, String now)
      throws SQLException {
    return Jdbc.list(
            connection,
            "select sequence from usage_cursor c where name = ? and " + free(now),
            row -> row.getLong(1),
            name,
            own)
        .stream()
        .findFirst();
  }

  /** Makes this server the one that delivers the next batch; empty when another one is. */
  static Optional<Claim> claim(
      Connection connection, String name, String own, Duration longest, String now)
      throws SQLException {
    int claimed =
        Jdbc.update(
            connection,
            "update usage_cursor as c set holder = ?, held_until = "
                + now
                + " + ? where name = ? and "
                + free(now),
            own,
            longest.toMillis(),
            name,
            own);
    return claimed == 0
        ? Optional.empty()
        : Jdbc.list(
                connection,
                "select sequence, failures from usage_cursor where name = ?",
                row -> new Claim(row.getLong(1), row.getInt(2)),
                name)
            .stream()
            .findFirst();
  }

  /** Moves the cursor; returns 0 when this server no longer holds it. */
  static int done(Connection connection, String name, String own, long from, long to)
      throws SQLException {
    return Jdbc.update(
        connection,
        "update usage_cursor set sequence = ?, holder = null, held_until = null, failures = 0,"
            + " problem = null where name = ? and holder = ? and sequence = ?",
        to,
        name,
        own,
        from);
  }

  /** Leaves the cursor where it is; returns 0 when this server no longer holds it. */
  static int failed(
      Connection connection, String name, String own, String problem, Duration pause, String now)
      throws SQLException {
    return Jdbc.update(
        connection,
        "update usage_cursor set holder = null, held_until = null, failures = failures + 1,"
            + " problem = ?, retry_at = "
            + now
            + " + ? where name = ? and holder = ?",
        RequestTable.storable(problem, LONGEST_PROBLEM),
        pause.toMillis(),
        name,
        own);
  }

  static List<State> states(Connection connection) throws SQLException {
    return Jdbc.list(
        connection,
        "select c.name, (select count(*) from request r where r.sequence > c.sequence), c.failures,"
            + " c.problem from usage_cursor c order by c.name",
        row -> new State(row.getString(1), row.getLong(2), row.getInt(3), row.getString(4)));
  }

  /** A server without a row in the table {@code instance} is dead, or was stopped. */
  private static String free(String now) {
    return "c.retry_at <= "
        + now
        + " and (c.holder is null or c.holder = ? or c.held_until < "
        + now
        + " or not exists (select 1 from instance i where i.id = c.holder))";
  }
}
