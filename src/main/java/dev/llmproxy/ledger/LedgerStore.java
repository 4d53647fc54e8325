package dev.llmproxy.ledger;

import dev.llmproxy.base.LedgerSettings;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * The database that a ledger lives in: how it is opened, and the few things that SQLite and
 * PostgreSQL do not say alike. All other SQL of the ledger is the same for both.
 */
public sealed interface LedgerStore permits SqliteStore, PostgresStore {

  /**
   * The store that an operator has chosen: PostgreSQL when DATABASE_URL is set, else SQLite in
   * LLMPROXY_DATA. Nothing is opened yet.
   *
   * @throws Settings.SettingException when DATABASE_URL or LLMPROXY_FSYNC is wrong
   */
  static LedgerStore of(Settings settings) {
    LedgerSettings own = LedgerSettings.of(settings);
    return own.databaseUrl()
        .<LedgerStore>map(url -> new PostgresStore(url, own.fullSync()))
        .orElseGet(() -> new SqliteStore(own.data(), own.fullSync()));
  }

  /** Where it is, for messages; never with a password. */
  String name();

  /** Whether several servers may have it open at once. */
  boolean shared();

  /**
   * Keeps others out until {@link #release}, if it is not shared.
   *
   * @throws LedgerException when another server has it
   */
  void claim();

  /** Lets others have it; harmless when it was not claimed. */
  void release();

  /** For migrations, which may take their time. */
  DataSource migrating();

  /** A connection with auto-commit for statements that only read. */
  Connection reading() throws SQLException;

  /** A connection without auto-commit, of the durability that LLMPROXY_FSYNC asks for. */
  Connection writing() throws SQLException;

  /**
   * A connection that reads a ledger which a server may have open; empty when none was ever made.
   */
  Optional<Connection> looking() throws SQLException;

  /** As {@link #looking}, for a change in one transaction, which the caller commits. */
  default Optional<Connection> changing() throws SQLException {
    Optional<Connection> looking = looking();
    if (looking.isEmpty()) {
      return Optional.empty();
    }
    looking.get().close();
    return Optional.of(writing());
  }

  /**
   * Tries to be, or stay, the one of all servers that share it which writes to the workbook. It
   * ends with {@link #release} and with the process. One thread asks.
   */
  default boolean lead() {
    return true;
  }

  /** Whether this server has been the one without a break since {@link #lead} said so. */
  default boolean leads() {
    return true;
  }

  /**
   * To be called in a transaction that writes: its commit, and all before, then survive a loss of
   * power, whatever LLMPROXY_FSYNC says, once {@link #synced} has been called after it.
   */
  void sync(Connection transaction) throws SQLException;

  /**
   * To be called after a transaction for which {@link #sync} was called.
   *
   * @throws IOException when the disk does not take it
   */
  void synced() throws IOException;

  /** The SQL expression of the database's clock, in ms since 1970. */
  String now();

  /**
   * Whether statements failed for what they were to write, as they would again, and not for the
   * state that the database is in.
   */
  boolean isOfWhatIsWritten(SQLException failure);

  /** What went wrong, in words for the operator. */
  String reason(SQLException failure);
}
