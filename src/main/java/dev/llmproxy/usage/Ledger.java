package dev.llmproxy.usage;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The durable record of every request. A request is admitted before its first byte goes out and
 * settled when it ends; both return when they are on disk. All writing is done by one {@link
 * GroupCommit} thread; reading has a connection of its own, which WAL mode lets see the last commit
 * without waiting.
 */
public final class Ledger implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);
  private static final int PICODOLLAR_DIGITS = 12;
  private static final String RECORDS =
      "select sequence, request_id, admitted_at, email, key_hash, type, model, provider, tokens_in, tokens_out,"
          + " cost_picodollars, duration_ms, status from request where sequence > ? order by sequence limit ?";

  private final FileChannel lockFile;
  private final Connection reading;
  private final GroupCommit writing;
  private final UUID id;
  private volatile long lastSequence;

  private Ledger(FileChannel lockFile, String url) throws SQLException {
    this.lockFile = lockFile;
    reading = DriverManager.getConnection(url);
    writing = new GroupCommit(DriverManager.getConnection(url));
    id = identify();
    lastSequence = readLong("select coalesce(max(sequence), 0) from request").orElse(0);
    int interrupted = settleInterrupted();
    if (interrupted > 0) {
      LOG.warn(
          "{} requests were under way when the server last ended; they are recorded as INTERRUPTED",
          interrupted);
    }
  }

  /**
   * Opens, or creates, the ledger in a folder and settles what a dead process left under way.
   *
   * @throws LedgerException when another process has it open or it cannot be used
   */
  public static Ledger open(Path folder) {
    FileChannel lockFile = lock(folder);
    try {
      String url = url(folder);
      // Not the thread's class loader: under camel run it does not know this application.
      Flyway.configure(Ledger.class.getClassLoader())
          .dataSource(url, null, null)
          .locations("classpath:db/migration")
          .load()
          .migrate();
      return new Ledger(lockFile, url);
    } catch (SQLException | RuntimeException e) {
      closeQuietly(lockFile);
      throw new LedgerException(
          "The ledger in " + folder + " cannot be opened: " + e.getMessage(), e);
    }
  }

  /**
   * What each user has used of each model, of a ledger that another process may have open; empty
   * when there is none.
   */
  public static List<UsageTotal> totals(Path folder, Instant since) {
    if (!Files.exists(file(folder))) {
      return List.of();
    }
    try (Connection connection = DriverManager.getConnection(url(folder) + "&open_mode=1");
        PreparedStatement select =
            connection.prepareStatement(
                "select email, model, count(*), sum(tokens_in), sum(tokens_out), coalesce(sum(cost_picodollars), 0)"
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
                  dollars(row.getLong(6))));
        }
      }
      return totals;
    } catch (SQLException e) {
      throw new LedgerException(
          "The ledger in " + folder + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** This ledger's identity: made with it and never changed. */
  public UUID id() {
    return id;
  }

  /** The sequence of the record settled last, or 0. */
  public long lastSequence() {
    return lastSequence;
  }

  /**
   * Records that a request is let in; returns when that is on disk.
   *
   * @throws LedgerException when it cannot be recorded; the request must then not be served
   */
  public void admit(Admission admission) {
    writing.run(connection -> {
      try (PreparedStatement insert =
          connection.prepareStatement(
              "insert into request (request_id, admitted_at, email, key_hash, type, model, provider)"
                  + " values (?, ?, ?, ?, ?, ?, ?)")) {
        insert.setString(1, admission.requestId());
        insert.setLong(2, admission.admittedAt().toEpochMilli());
        insert.setString(3, admission.caller().email());
        insert.setString(4, admission.caller().keyHash());
        insert.setString(5, admission.type());
        insert.setString(6, admission.model());
        insert.setString(7, admission.provider());
        return insert.executeUpdate();
      }
    });
  }

  /**
   * Records how an admitted request ended; returns when that is on disk. Only the first settlement
   * of a request counts.
   *
   * @return whether it was this one
   */
  public boolean settle(Settlement settlement) {
    return writing.run(connection -> settle(connection, settlement));
  }

  /** Settled records after a sequence, in order, at most {@code limit} of them. */
  public List<UsageRecord> after(long sequence, int limit) {
    synchronized (reading) {
      try (PreparedStatement select = reading.prepareStatement(RECORDS)) {
        select.setLong(1, sequence);
        select.setInt(2, limit);
        List<UsageRecord> records = new ArrayList<>();
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            records.add(record(row));
          }
        }
        return records;
      } catch (SQLException e) {
        throw new LedgerException("The ledger cannot be read: " + e.getMessage(), e);
      }
    }
  }

  /** The title of a user's sheet, if it has been given one. */
  public Optional<String> sheetTitle(String email) {
    return readText("select title from user_sheet where email = ?", email);
  }

  /** Whether a title belongs to somebody. */
  public boolean sheetTitleTaken(String title) {
    return readText("select email from user_sheet where title = ?", title).isPresent();
  }

  /** Gives a user's sheet its title for good. */
  public void giveSheetTitle(String email, String title) {
    writing.run(connection -> {
      try (PreparedStatement insert =
          connection.prepareStatement("insert into user_sheet (email, title) values (?, ?)")) {
        insert.setString(1, email);
        insert.setString(2, title);
        return insert.executeUpdate();
      }
    });
  }

  /** Runs statements on the writing thread; returns when they are committed. */
  <T> T write(GroupCommit.Statements<T> statements) {
    return writing.run(statements);
  }

  /** Runs statements that only read. */
  <T> T read(GroupCommit.Statements<T> statements) {
    synchronized (reading) {
      try {
        return statements.run(reading);
      } catch (SQLException e) {
        throw new LedgerException("The ledger cannot be read: " + e.getMessage(), e);
      }
    }
  }

  /** The records put aside, oldest first; of a ledger that another process may have open. */
  public static List<DeadLetter> deadLetters(Path folder) {
    return Files.exists(file(folder)) ? beside(folder, FlushBook::deadLetters) : List.of();
  }

  /**
   * Has the records put aside tried again by the server that has, or will next have, the ledger.
   *
   * @return how many they are
   */
  public static int retryDeadLetters(Path folder) {
    return Files.exists(file(folder)) ? beside(folder, FlushBook::retry) : 0;
  }

  private static <T> T beside(Path folder, GroupCommit.Statements<T> statements) {
    try (Connection connection = DriverManager.getConnection(url(folder))) {
      connection.setAutoCommit(false);
      T result = statements.run(connection);
      connection.commit();
      return result;
    } catch (SQLException e) {
      throw new LedgerException(
          "The ledger in " + folder + " cannot be used: " + e.getMessage(), e);
    }
  }

  /** When a commit to the workbook was sent whose outcome is not known, or empty. */
  public Optional<Instant> commitSentAt() {
    OptionalLong millis =
        readLong("select commit_sent_at from ledger where commit_sent_at is not null");
    return millis.isPresent()
        ? Optional.of(Instant.ofEpochMilli(millis.getAsLong()))
        : Optional.empty();
  }

  /**
   * Notes that a commit to the workbook is about to be sent, or with null that its outcome is
   * known.
   */
  public void noteCommitSent(Instant at) {
    writing.run(connection -> {
      try (PreparedStatement update =
          connection.prepareStatement("update ledger set commit_sent_at = ?")) {
        if (at == null) {
          update.setNull(1, Types.BIGINT);
        } else {
          update.setLong(1, at.toEpochMilli());
        }
        return update.executeUpdate();
      }
    });
  }

  /** Writes what is waiting and lets other processes have the ledger. */
  @Override
  public void close() {
    writing.close();
    try {
      reading.close();
    } catch (SQLException e) {
      LOG.warn("The ledger did not close cleanly: {}", e.getMessage());
    }
    closeQuietly(lockFile);
  }

  private UUID identify() {
    return writing.run(connection -> {
      try (PreparedStatement select = connection.prepareStatement("select uuid from ledger");
          ResultSet row = select.executeQuery()) {
        if (row.next()) {
          return UUID.fromString(row.getString(1));
        }
      }
      UUID fresh = UUID.randomUUID();
      try (PreparedStatement insert =
          connection.prepareStatement("insert into ledger (uuid) values (?)")) {
        insert.setString(1, fresh.toString());
        insert.executeUpdate();
      }
      return fresh;
    });
  }

  private int settleInterrupted() {
    return writing.run(connection -> {
      List<String> requests = new ArrayList<>();
      try (PreparedStatement select =
              connection.prepareStatement(
                  "select request_id from request where sequence is null order by admitted_at, request_id");
          ResultSet row = select.executeQuery()) {
        while (row.next()) {
          requests.add(row.getString(1));
        }
      }
      for (String request : requests) {
        settle(
            connection,
            new Settlement(request, Status.INTERRUPTED, 0, 0, null, java.time.Duration.ZERO));
      }
      return requests.size();
    });
  }

  /** Runs on the writing thread alone, so that sequences grow in the order of commits. */
  private boolean settle(Connection connection, Settlement settlement) throws SQLException {
    try (PreparedStatement update =
        connection.prepareStatement(
            "update request set sequence = ?, status = ?, tokens_in = ?, tokens_out = ?, cost_picodollars = ?,"
                + " duration_ms = ? where request_id = ? and sequence is null")) {
      long sequence = lastSequence + 1;
      update.setLong(1, sequence);
      update.setString(2, settlement.status().name());
      update.setLong(3, settlement.tokensIn());
      update.setLong(4, settlement.tokensOut());
      if (settlement.cost() == null) {
        update.setNull(5, Types.BIGINT);
      } else {
        update.setLong(
            5,
            settlement
                .cost()
                .setScale(PICODOLLAR_DIGITS, RoundingMode.HALF_EVEN)
                .unscaledValue()
                .longValueExact());
      }
      update.setLong(6, settlement.duration().toMillis());
      update.setString(7, settlement.requestId());
      if (update.executeUpdate() == 0) {
        return false;
      }
      lastSequence = sequence;
      return true;
    }
  }

  private static UsageRecord record(ResultSet row) throws SQLException {
    long picodollars = row.getLong(11);
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
        cost,
        row.getLong(12),
        Status.valueOf(row.getString(13)));
  }

  private static BigDecimal dollars(long picodollars) {
    return BigDecimal.valueOf(picodollars, PICODOLLAR_DIGITS);
  }

  private Optional<String> readText(String sql, String parameter) {
    synchronized (reading) {
      try (PreparedStatement select = reading.prepareStatement(sql)) {
        select.setString(1, parameter);
        try (ResultSet row = select.executeQuery()) {
          return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
        }
      } catch (SQLException e) {
        throw new LedgerException("The ledger cannot be read: " + e.getMessage(), e);
      }
    }
  }

  private OptionalLong readLong(String sql) {
    synchronized (reading) {
      try (PreparedStatement select = reading.prepareStatement(sql);
          ResultSet row = select.executeQuery()) {
        return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
      } catch (SQLException e) {
        throw new LedgerException("The ledger cannot be read: " + e.getMessage(), e);
      }
    }
  }

  private static Path file(Path folder) {
    return folder.resolve("ledger.db");
  }

  /**
   * NORMAL is safe against a killed process in WAL mode; a loss of power may cost the last moments.
   */
  private static String url(Path folder) {
    return "jdbc:sqlite:"
        + file(folder)
        + "?journal_mode=WAL&synchronous=NORMAL&busy_timeout=10000";
  }

  @SuppressWarnings("StreamResourceLeak")
  private static FileChannel lock(Path folder) {
    FileChannel channel = null;
    try {
      Files.createDirectories(folder);
      channel =
          FileChannel.open(
              folder.resolve("ledger.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      // Held by this very process: the message below serves both.
    } catch (IOException e) {
      closeQuietly(channel);
      throw new LedgerException(
          "The folder " + folder + " (LLMPROXY_DATA) cannot be used: " + e.getMessage(), e);
    }
    closeQuietly(channel);
    throw new LedgerException(
        "Another llmproxy is running on the folder "
            + folder
            + "; stop it, or set LLMPROXY_DATA to another folder.",
        null);
  }

  private static void closeQuietly(FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        LOG.debug("A lock file did not close", e);
      }
    }
  }
}
