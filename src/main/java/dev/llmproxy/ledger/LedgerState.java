package dev.llmproxy.ledger;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Settings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.flywaydb.core.Flyway;

/**
 * The state of a ledger, read without changing it. A server may have the ledger open.
 *
 * @param name the ledger's location, never with a password
 * @param damage the result of the database's own check; "ok" when nothing is wrong
 * @param pendingMigrations the number of migrations that the next start will run
 * @param settled the sequence of the last settled record
 * @param underWay admitted requests that are not settled
 * @param flushed the sequence up to which records are in the workbook; empty when unknown
 * @param behind the time since the settlement of the oldest record that is not in the workbook
 * @param deadLetters records that the workbook refuses
 * @param undelivered the routes whose last delivery of settled requests has failed, with the reason
 */
public record LedgerState(
    String name,
    String damage,
    int pendingMigrations,
    long settled,
    long underWay,
    OptionalLong flushed,
    Duration behind,
    long deadLetters,
    List<String> undelivered) {

  /**
   * Reads the state of the ledger that the settings name; empty when there is no ledger yet.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public static Optional<LedgerState> of(Settings settings) {
    LedgerStore store = LedgerStore.of(settings);
    try {
      Optional<Connection> inspecting = store.inspecting();
      if (inspecting.isEmpty()) {
        return Optional.empty();
      }
      try (Connection connection = inspecting.get()) {
        boolean sqlite = connection.getMetaData().getDatabaseProductName().equals("SQLite");
        OptionalLong flushed =
            numberIfTableExists(connection, "flush_state", "select checkpoint from flush_state");
        return Optional.of(
            new LedgerState(
                store.name(),
                sqlite ? quickCheck(connection) : "ok",
                pendingMigrations(connection),
                number(connection, "select coalesce(max(sequence), 0) from request"),
                number(connection, "select count(*) from request where sequence is null"),
                flushed,
                behind(connection, flushed),
                numberIfTableExists(
                        connection,
                        "dead_letter",
                        "select count(*) from dead_letter where retry_number is null")
                    .orElse(0),
                undelivered(connection)));
      }
    } catch (SQLException e) {
      throw new LedgerException(
          "The ledger " + store.name() + " cannot be read: " + store.reason(e), e);
    }
  }

  private static Duration behind(Connection connection, OptionalLong flushed) throws SQLException {
    if (flushed.isEmpty()) {
      return Duration.ZERO;
    }
    return RequestTable.settledAfter(connection, flushed.getAsLong())
        .map(settled -> Duration.between(settled, Instant.now()))
        .filter(age -> !age.isNegative())
        .orElse(Duration.ZERO);
  }

  private static List<String> undelivered(Connection connection) throws SQLException {
    try (ResultSet found = connection.getMetaData().getTables(null, null, "usage_cursor", null)) {
      if (!found.next()) {
        return List.of();
      }
    }
    return UsageCursor.states(connection).stream()
        .filter(state -> state.problem() != null)
        .map(state ->
            "%s has not delivered %d settled requests: %s"
                .formatted(state.name(), state.waiting(), state.problem()))
        .toList();
  }

  private static String quickCheck(Connection connection) throws SQLException {
    try (PreparedStatement check = connection.prepareStatement("pragma quick_check(1)");
        ResultSet row = check.executeQuery()) {
      return row.next() ? row.getString(1) : "no answer";
    }
  }

  /** The migrations of this build that the ledger does not have yet. */
  private static int pendingMigrations(Connection connection) throws SQLException {
    int shipped =
        Flyway.configure(LedgerState.class.getClassLoader())
            .dataSource("jdbc:sqlite::memory:", null, null)
            .locations("classpath:db/migration")
            .load()
            .info()
            .all()
            .length;
    return shipped
        - (int)
            number(
                connection,
                "select count(*) from flyway_schema_history where success and version is not null");
  }

  private static OptionalLong numberIfTableExists(Connection connection, String table, String sql)
      throws SQLException {
    try (ResultSet found = connection.getMetaData().getTables(null, null, table, null)) {
      return found.next() ? OptionalLong.of(number(connection, sql)) : OptionalLong.empty();
    }
  }

  private static long number(Connection connection, String sql) throws SQLException {
    List<Long> numbers = Jdbc.list(connection, sql, row -> row.getLong(1));
    return numbers.isEmpty() ? 0 : numbers.getFirst();
  }
}
