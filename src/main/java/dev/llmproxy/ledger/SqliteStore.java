package dev.llmproxy.ledger;

import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.FolderLock;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/** The file ledger.db in a folder. One server at a time may have it open. */
final class SqliteStore implements LedgerStore {
  private static final Logger LOG = LoggerFactory.getLogger(SqliteStore.class);

  /** A request may wait for one failing commit before its own, and must be answered within 2 s. */
  private static final int BUSY_MILLIS = 900;

  /** Pages of 4 KB in the log before they are copied to the file, a page of many commits once. */
  private static final int PAGES_IN_LOG = 4000;

  /** Negative: in KB. */
  private static final int WRITER_CACHE = -8000;

  // https://www.sqlite.org/rescode.html: the low byte of a result code is its primary code.
  private static final int PRIMARY_CODE = 0xff;
  private static final int SQLITE_ERROR = 1;
  private static final int SQLITE_TOOBIG = 18;
  private static final int SQLITE_CONSTRAINT = 19;
  private static final int SQLITE_MISMATCH = 20;
  private static final int SQLITE_RANGE = 25;

  private final Path folder;
  private final boolean fullSync;
  private FolderLock lock;

  /**
   * @param folder created if it is missing
   * @param fullSync whether a commit reaches the disk before it returns. If not, a commit survives
   *     the death of this process, because the operating system has it, but a power loss may lose
   *     the last moments.
   */
  SqliteStore(Path folder, boolean fullSync) {
    this.folder = folder;
    this.fullSync = fullSync;
  }

  @Override
  public String name() {
    return "in " + folder;
  }

  @Override
  public boolean shared() {
    return false;
  }

  @Override
  public void claim() {
    try {
      DataFolder.make(folder);
      lock =
          FolderLock.take(folder.resolve("ledger.lock"))
              .orElseThrow(() ->
                  new LedgerException(
                      "Another llmproxy is running on the folder "
                          + folder
                          + "; stop it, or set LLMPROXY_DATA to another folder.",
                      null));
      // SQLite gives its further files the same permissions as this one.
      DataFolder.create(file());
    } catch (IOException e) {
      release();
      throw new LedgerException(
          "The folder " + folder + " (LLMPROXY_DATA) cannot be used: " + e.getMessage(), e);
    }
  }

  @Override
  public void release() {
    if (lock != null) {
      try {
        lock.close();
      } catch (IOException e) {
        LOG.debug("A lock file did not close", e);
      }
      lock = null;
    }
  }

  @Override
  public DataSource migrating() {
    return source(config(false));
  }

  @Override
  public Connection reading() throws SQLException {
    return source(config(false)).getConnection();
  }

  @Override
  public Connection writing() throws SQLException {
    SQLiteConfig config = config(false);
    config.setCacheSize(WRITER_CACHE);
    config.setWalAutocheckpoint(PAGES_IN_LOG);
    Connection connection = source(config).getConnection();
    connection.setAutoCommit(false);
    return connection;
  }

  @Override
  public Optional<Connection> inspecting() throws SQLException {
    return Files.exists(file())
        ? Optional.of(source(config(true)).getConnection())
        : Optional.empty();
  }

  @Override
  public void sync(Connection transaction) {}

  /** The write-ahead log contains every commit that is not in the database file yet. */
  @Override
  public void synced() throws IOException {
    if (!fullSync) {
      try (FileChannel log =
          FileChannel.open(folder.resolve("ledger.db-wal"), StandardOpenOption.WRITE)) {
        log.force(true);
      }
    }
  }

  @Override
  public String now() {
    return "cast(unixepoch('subsec') * 1000 as bigint)";
  }

  @Override
  public boolean isCausedByValues(SQLException failure) {
    return switch (failure.getErrorCode() & PRIMARY_CODE) {
      case SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE -> true;
      default -> false;
    };
  }

  @Override
  public String reason(SQLException failure) {
    return failure.getMessage();
  }

  private SQLiteConfig config(boolean readOnly) {
    SQLiteConfig config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    config.setSynchronous(
        fullSync ? SQLiteConfig.SynchronousMode.FULL : SQLiteConfig.SynchronousMode.NORMAL);
    config.setBusyTimeout(BUSY_MILLIS);
    config.setReadOnly(readOnly);
    return config;
  }

  private DataSource source(SQLiteConfig config) {
    SQLiteDataSource source = new SQLiteDataSource(config);
    source.setUrl("jdbc:sqlite:" + file());
    return source;
  }

  private Path file() {
    return folder.resolve("ledger.db");
  }
}
