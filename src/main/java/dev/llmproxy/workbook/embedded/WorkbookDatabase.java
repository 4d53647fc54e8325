package dev.llmproxy.workbook.embedded;

import dev.llmproxy.base.DataFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.sqlite.SQLiteConfig;

/**
 * The workbook's SQLite file. Cells are only in the file: memory does not grow with rows.
 *
 * <p>One connection writes, under a lock. SQLite allows one writer anyway, and waiting here is
 * fairer than SQLite's busy loop. Each reader has its own connection with a snapshot of the
 * write-ahead log, so a long answer to a slow reader never delays a flush.
 *
 * <p>{@code synchronous=FULL}: an answer means that the change is on disk. A key that an
 * administrator revoked must not be valid again after a power loss. The cost is one disk flush for
 * each write call, and there are at most a few a second.
 */
final class WorkbookDatabase implements AutoCloseable {
  private static final int SCHEMA_VERSION = 2;
  private static final int BUSY_MILLIS = 10_000;

  /** The size to which the write-ahead log is truncated after a checkpoint. */
  private static final int MAX_IDLE_LOG_BYTES = 4 * 1024 * 1024;

  private static final String[] SCHEMA = {
    """
    CREATE TABLE spreadsheet (
      id         TEXT PRIMARY KEY,
      properties TEXT NOT NULL
    )\
    """,
    """
    CREATE TABLE sheet (
      key            INTEGER PRIMARY KEY,
      spreadsheet_id TEXT    NOT NULL REFERENCES spreadsheet,
      sheet_id       INTEGER NOT NULL,
      title_key      TEXT    NOT NULL,
      position       INTEGER NOT NULL,
      grid_cells     INTEGER NOT NULL,
      hidden         INTEGER NOT NULL,
      properties     TEXT    NOT NULL,
      UNIQUE (spreadsheet_id, sheet_id),
      UNIQUE (spreadsheet_id, title_key)
    )\
    """,
    """
    CREATE TABLE grid_row (
      sheet_key INTEGER NOT NULL REFERENCES sheet,
      row_index INTEGER NOT NULL,
      cells     TEXT    NOT NULL,
      PRIMARY KEY (sheet_key, row_index)
    ) WITHOUT ROWID\
    """
  };

  /** The migration from format 1 to 2. */
  private static final String[] LAYOUT = {
    "ALTER TABLE spreadsheet ADD COLUMN named_ranges TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE sheet ADD COLUMN layout TEXT NOT NULL DEFAULT '{}'"
  };

  private final Path file;
  private final Sql writer;
  private final ReentrantLock writing = new ReentrantLock(true);
  private final Deque<Sql> idleReaders = new ConcurrentLinkedDeque<>();

  private WorkbookDatabase(Path file, Sql writer) {
    this.file = file;
    this.writer = writer;
  }

  /**
   * Opens the file, or creates it, readable only by its owner.
   *
   * @throws IOException when the file cannot be opened, or has the format of a newer release
   */
  static WorkbookDatabase open(Path file) throws IOException {
    try {
      DataFolder.create(file);
      prepare(file);
      return new WorkbookDatabase(file, connect(file, false));
    } catch (SQLException e) {
      throw new IOException("Cannot open the workbook " + file + ": " + e.getMessage(), e);
    }
  }

  /** Runs a read on one fixed snapshot. May run at the same time as other reads and a write. */
  void read(Consumer<Sql> reading) {
    Sql reader = idleReaders.poll();
    try {
      if (reader == null) {
        reader = connect(file, true);
      }
    } catch (SQLException e) {
      throw new StoreException(e);
    }
    try {
      reading.accept(reader);
    } finally {
      reader.rollback(); // ends the snapshot, so that the log can be folded into the file
      idleReaders.push(reader);
    }
  }

  /**
   * Runs a write as one transaction: afterwards all of it is on disk, or it throws and nothing is.
   */
  <T> T write(Function<Sql, T> writing) {
    this.writing.lock();
    try {
      T result = writing.apply(writer);
      writer.commit();
      return result;
    } catch (RuntimeException | Error e) {
      writer.rollback();
      throw e;
    } finally {
      this.writing.unlock();
    }
  }

  /** Waits for a running write, then closes. */
  @Override
  public void close() {
    writing.lock();
    try {
      idleReaders.forEach(Sql::close);
      writer.close();
    } finally {
      writing.unlock();
    }
  }

  private static Sql connect(Path file, boolean readOnly) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setReadOnly(readOnly);
    config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    config.setBusyTimeout(BUSY_MILLIS);
    config.setJournalSizeLimit(MAX_IDLE_LOG_BYTES);
    Connection connection = config.createConnection("jdbc:sqlite:" + file);
    connection.setAutoCommit(false);
    return new Sql(connection);
  }

  private static void prepare(Path file) throws SQLException, IOException {
    SQLiteConfig config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    try (Connection connection = config.createConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      int version = statement.executeQuery("PRAGMA user_version").getInt(1);
      if (version > SCHEMA_VERSION) {
        throw new IOException(
            "The workbook %s has format %d, newer than this program knows (%d). Use a newer one."
                .formatted(file, version, SCHEMA_VERSION));
      }
      if (version < SCHEMA_VERSION) {
        connection.setAutoCommit(false);
        if (version == 0) {
          run(statement, SCHEMA);
        }
        run(statement, LAYOUT);
        statement.executeUpdate("PRAGMA user_version = " + SCHEMA_VERSION);
        connection.commit();
      }
    }
  }

  private static void run(Statement statement, String... changes) throws SQLException {
    for (String change : changes) {
      statement.executeUpdate(change);
    }
  }
}
