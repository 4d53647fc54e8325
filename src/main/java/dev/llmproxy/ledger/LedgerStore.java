package dev.llmproxy.ledger;

import dev.llmproxy.base.LedgerSettings;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * The ledger's database: how to open it, and the few statements that differ between SQLite and
 * PostgreSQL. All other SQL of the ledger is the same for both.
 */
public sealed interface LedgerStore permits SqliteStore, PostgresStore {

  /**
   * The store that the settings name: PostgreSQL when DATABASE_URL is set, otherwise SQLite in
   * LLMPROXY_DATA. Opens nothing yet.
   *
   * @throws Settings.SettingException when DATABASE_URL or LLMPROXY_FSYNC is invalid
   */
  static LedgerStore of(Settings settings) {
    LedgerSettings own = LedgerSettings.of(settings);
    return own.databaseUrl()
        .<LedgerStore>map(url -> new PostgresStore(url, own.fullSync()))
        .orElseGet(() -> new SqliteStore(own.data(), own.fullSync()));
  }

  /** The store's location for messages, never with a password. */
  String name();

  /** Whether several servers may have the store open at once. */
  boolean shared();

  /**
   * Locks the store against other servers until {@link #release}, unless it is shared.
   *
   * @throws LedgerException when another server has the store
   */
  void claim();

  /** Releases the lock; does nothing without one. */
  void release();

  /** A connection for migrations, without a time limit. */
  DataSource migrating();

  /** A connection with auto-commit, for read-only statements. */
  Connection reading() throws SQLException;

  /** A connection without auto-commit, with the durability of LLMPROXY_FSYNC. */
  Connection writing() throws SQLException;

  /**
   * A connection that reads a ledger which a server may have open; empty when no ledger was ever
   * created.
   */
  Optional<Connection> inspecting() throws SQLException;

  /** Like {@link #inspecting}, for a change in one transaction, which the caller commits. */
  default Optional<Connection> changing() throws SQLException {
    Optional<Connection> inspecting = inspecting();
    if (inspecting.isEmpty()) {
      return Optional.empty();
    }
    inspecting.get().close();
    return Optional.of(writing());
  }

  /**
   * Tries to become, or to stay, the only one of the servers sharing the store that writes to the
   * workbook. That role ends with {@link #release} and with the process, and when the others have
   * taken this server for dead. Called by one thread.
   *
   * @param instance this server's id
   */
  default boolean lead(String instance) {
    return true;
  }

  /** Whether this server has been the writer without a break since {@link #lead} returned true. */
  default boolean leads() {
    return true;
  }

  /**
   * Call this in a writing transaction. Once {@link #synced} has been called after the commit, this
   * transaction and all earlier ones survive a power loss, whatever LLMPROXY_FSYNC is.
   */
  void sync(Connection transaction) throws SQLException;

  /**
   * Call this after a transaction in which {@link #sync} was called.
   *
   * @throws IOException when the disk does not accept the data
   */
  void synced() throws IOException;

  /** The SQL expression of the database's clock, in ms since 1970. */
  String now();

  /**
   * Whether statements failed because of their values, and would fail again, rather than because of
   * the database's state.
   */
  boolean isCausedByValues(SQLException failure);

  /** The error message for the operator. */
  String reason(SQLException failure);
}
