package dev.llmproxy.usage;

import dev.llmproxy.Settings;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * The database that a ledger lives in: how it is opened, and the few things that SQLite and
 * PostgreSQL do not say alike. All other SQL of the ledger is the same for both.
 */
sealed interface LedgerStore permits SqliteStore, PostgresStore {

  /**
   * The store that an operator has chosen: PostgreSQL when DATABASE_URL is set, else SQLite in
   * LLMPROXY_DATA. Nothing is opened yet.
   *
   * @throws Settings.SettingException when DATABASE_URL or LLMPROXY_FSYNC is wrong
   */
  static LedgerStore of(Settings settings) {
    boolean full =
        switch (settings.text("LLMPROXY_FSYNC")) {
          case "full" -> true;
          case "normal" -> false;
          default ->
              throw new Settings.SettingException(
                  "LLMPROXY_FSYNC is \"%s\"; it must be full or normal"
                      .formatted(settings.text("LLMPROXY_FSYNC")));
        };
    Path folder = settings.path("LLMPROXY_DATA");
    return settings
        .find("DATABASE_URL")
        .<LedgerStore>map(url -> new PostgresStore(url, full))
        .orElseGet(() -> new SqliteStore(folder, full));
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

  /** The SQL expression of the database's clock, in ms since 1970. */
  String now();

  /** What went wrong, in words for the operator. */
  String reason(SQLException failure);
}
