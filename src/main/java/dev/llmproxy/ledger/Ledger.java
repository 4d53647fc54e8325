package dev.llmproxy.ledger;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Settlement;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.flywaydb.core.Flyway;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The durable record of every request. A request is admitted before its first byte goes out and
 * settled when it ends; both return when they are committed. It belongs to the server that admitted
 * it: when that dies, it is settled as INTERRUPTED with what its last checkpoint says. All writing
 * is done by one {@link GroupCommit} thread; reading has a connection of its own.
 */
public final class Ledger implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);
  private static final Duration LEASE = Duration.ofSeconds(30);

  private final LedgerStore store;
  private final String instance = UUID.randomUUID().toString();
  private final GroupCommit writing;
  private final Leases leases;
  private final GroupCommit.BatchStatements<Admission, Boolean> admit =
      (connection, admissions) -> RequestTable.admit(connection, Ledger.this.instance, admissions);
  private final GroupCommit.BatchStatements<Settlement, Long> settle = RequestTable::settle;
  private final GroupCommit.BatchStatements<Checkpoint, Boolean> checkpoint =
      RequestTable::checkpoint;
  private final AtomicLong lastSequence = new AtomicLong();
  private final UUID id;
  private final Object readLock = new Object();
  private Connection reading;

  private Ledger(LedgerStore store, Duration lease) throws SQLException {
    this.store = store;
    leases = new Leases(instance, lease, store.now());
    reading = store.reading();
    writing = new GroupCommit(store);
    try {
      // Not the thread's class loader: under camel run it does not know this application.
      Flyway.configure(Ledger.class.getClassLoader())
          .dataSource(store.migrating())
          .locations("classpath:db/migration")
          .load()
          .migrate();
      id = write(Ledger::identify);
      logInterrupted(write(this::begin));
      noteSequence(read(RequestTable::lastSequence));
    } catch (RuntimeException e) {
      writing.close();
      closeReading();
      throw e;
    }
  }

  /**
   * Opens, or creates, the ledger that an operator has chosen.
   *
   * @throws LedgerException when another server has it open and does not share it, or it cannot be
   *     used
   */
  public static Ledger open(Settings settings) {
    return open(LedgerStore.of(settings), LEASE);
  }

  /** As {@link #open(Settings)} for SQLite in a folder. */
  public static Ledger open(Path folder) {
    return open(new SqliteStore(folder, false), LEASE);
  }

  /**
   * @param lease how long a server that shares the ledger may be silent before it counts as dead
   */
  static Ledger open(LedgerStore store, Duration lease) {
    store.claim();
    try {
      return new Ledger(store, lease);
    } catch (SQLException e) {
      store.release();
      throw new LedgerException(
          "The ledger " + store.name() + " cannot be opened: " + store.reason(e), e);
    } catch (RuntimeException e) {
      store.release();
      throw new LedgerException(
          "The ledger " + store.name() + " cannot be opened: " + e.getMessage(), e);
    }
  }

  /**
   * What each user has used of each model, of a ledger that a server may have open; empty when
   * there is none.
   */
  public static List<UsageTotal> totals(Settings settings, Instant since) {
    return totals(LedgerStore.of(settings), since);
  }

  static List<UsageTotal> totals(LedgerStore store, Instant since) {
    return beside(
        store,
        LedgerStore::looking,
        connection -> RequestTable.totals(connection, since),
        List.of());
  }

  /**
   * Reads a ledger that a server may have open.
   *
   * @param withoutLedger the answer when there is none
   * @throws LedgerException when it cannot be read
   */
  public static <T> T look(Settings settings, Statements<T> statements, T withoutLedger) {
    return beside(LedgerStore.of(settings), LedgerStore::looking, statements, withoutLedger);
  }

  /**
   * Changes a ledger that a server may have open, in a transaction of its own.
   *
   * @param withoutLedger the answer when there is none
   * @throws LedgerException when it cannot be changed
   */
  public static <T> T change(Settings settings, Statements<T> statements, T withoutLedger) {
    return beside(LedgerStore.of(settings), LedgerStore::changing, statements, withoutLedger);
  }

  private static <T> T beside(
      LedgerStore store, Opening opening, Statements<T> statements, T withoutLedger) {
    try {
      Optional<Connection> opened = opening.of(store);
      if (opened.isEmpty()) {
        return withoutLedger;
      }
      try (Connection connection = opened.get()) {
        T result = statements.run(connection);
        if (!connection.getAutoCommit()) {
          connection.commit();
        }
        return result;
      }
    } catch (SQLException e) {
      throw new LedgerException(
          "The ledger " + store.name() + " cannot be used: " + store.reason(e), e);
    }
  }

  /** This ledger's identity: made with it and never changed, the same for all who share it. */
  public UUID id() {
    return id;
  }

  /**
   * The sequence of the record settled last, or 0; what other servers settle shows within seconds.
   */
  public long lastSequence() {
    return lastSequence.get();
  }

  /**
   * Records that a request is let in; returns when that is committed.
   *
   * @throws LedgerException when it cannot be recorded; the request must then not be served
   */
  public void admit(Admission admission) {
    if (!writing.run(admit, admission)) {
      throw new LedgerException(
          "The ledger cannot be written: there is a request " + admission.requestId() + " already.",
          null);
    }
  }

  /**
   * Records how an admitted request ended; returns when that is committed. Only the first
   * settlement of a request counts.
   *
   * @return whether it was this one
   * @throws LedgerException when it cannot be recorded now
   */
  public boolean settle(Settlement settlement) {
    return GroupCommit.await(settleLater(settlement));
  }

  /**
   * As {@link #settle}, without waiting: whether this settlement was the first, or a {@link
   * LedgerException}. What depends on it runs on the writing thread and should be short.
   */
  CompletableFuture<Boolean> settleLater(Settlement settlement) {
    return writing
        .submit(settle, settlement)
        .thenApply(sequence -> {
          noteSequence(sequence);
          return sequence > 0;
        });
  }

  /**
   * Notes what requests under way have used so far; returns when that is committed. One that the
   * ledger refuses for what it holds is logged, and the others are noted.
   *
   * @throws LedgerException when they cannot be noted now
   */
  void checkpoint(List<Checkpoint> checkpoints) {
    List<CompletableFuture<Boolean>> noted =
        checkpoints.stream().map(one -> writing.submit(checkpoint, one)).toList();
    for (int i = 0; i < noted.size(); i++) {
      try {
        GroupCommit.await(noted.get(i));
      } catch (LedgerException e) {
        if (!e.refused()) {
          throw e;
        }
        LOG.warn(
            "{} what it has used so far is not noted: {}",
            checkpoints.get(i).requestId(),
            e.getMessage());
      }
    }
  }

  /** Whether several servers may have the ledger open at once. */
  boolean shared() {
    return store.shared();
  }

  /**
   * Finds out whether the ledger can be written, which changes nothing in it.
   *
   * @throws LedgerException when it cannot
   */
  void tryToWrite() {
    write(connection -> {
      try (PreparedStatement update =
          connection.prepareStatement("update ledger set last_sequence = last_sequence")) {
        return update.executeUpdate();
      }
    });
  }

  /**
   * Says to the servers that share the ledger that this one lives, and learns what they have
   * settled; to be called every few seconds.
   *
   * @throws LedgerException when the ledger does not work now
   */
  void renewLease() {
    if (store.shared()) {
      noteSequence(
          write(connection -> {
            leases.renew(connection);
            return RequestTable.lastSequence(connection);
          }));
    }
  }

  /**
   * Settles what servers that have died had under way as INTERRUPTED. To be called now and then by
   * one thread: at the first time that one looks dead it is only watched.
   *
   * @return how many requests
   * @throws LedgerException when the ledger does not work now
   */
  int settleInterrupted() {
    if (!store.shared()) {
      return 0;
    }
    try {
      return logInterrupted(
          write(connection -> {
            int requests = 0;
            for (String dead : leases.endThoseOfTheDead(connection)) {
              requests += RequestTable.interrupt(connection, dead);
            }
            return requests;
          }));
    } catch (LedgerException e) {
      leases.lookAway();
      throw e;
    }
  }

  /** Settled records after a sequence, in order, at most {@code limit} of them. */
  public List<UsageRecord> after(long sequence, int limit) {
    return read(connection -> RequestTable.after(connection, sequence, limit));
  }

  /** When the first record after a sequence was settled; empty when there is none. */
  public Optional<Instant> settledAfter(long sequence) {
    return read(connection -> RequestTable.settledAfter(connection, sequence));
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
    write(connection -> {
      try (PreparedStatement insert =
          connection.prepareStatement("insert into user_sheet (email, title) values (?, ?)")) {
        insert.setString(1, email);
        insert.setString(2, title);
        return insert.executeUpdate();
      }
    });
  }

  /** When a commit to the workbook was sent whose outcome is not known, or empty. */
  public Optional<Instant> commitSentAt() {
    return read(connection -> {
      try (PreparedStatement select =
              connection.prepareStatement(
                  "select commit_sent_at from ledger where commit_sent_at is not null");
          ResultSet row = select.executeQuery()) {
        return row.next() ? Optional.of(Instant.ofEpochMilli(row.getLong(1))) : Optional.empty();
      }
    });
  }

  /**
   * Tries to be, or stay, the one of the servers that share this ledger which writes to the
   * workbook.
   */
  public synchronized boolean lead() {
    return store.lead();
  }

  /**
   * Notes that a commit to the workbook is about to be sent, or with null that its outcome is
   * known. What is about to be sent is on the disk first, whatever LLMPROXY_FSYNC says: if a loss
   * of power took it from the ledger, its sequences would be given again, to records that the
   * workbook then seems to have.
   *
   * @throws LedgerException when it cannot be noted, or another server has taken over; nothing may
   *     be sent then
   */
  public void noteCommitSent(Instant at) {
    Statements<Integer> note =
        connection -> {
          return Jdbc.update(
              connection,
              "update ledger set commit_sent_at = ?",
              at == null ? null : at.toEpochMilli());
        };
    if (at == null) {
      write(note);
    } else {
      noteSent(note);
    }
  }

  /** As {@link #noteCommitSent} for a commit that the statements note as about to be sent. */
  public void noteSent(Statements<Integer> note) {
    write(connection -> {
      store.sync(connection);
      return note.run(connection);
    });
    try {
      store.synced();
    } catch (IOException e) {
      throw new LedgerException("The ledger cannot be written: " + e.getMessage(), e);
    }
    // After noting: who takes over from now on sees the note and waits.
    if (!store.leads()) {
      throw new LedgerException("Another server has taken over writing to the workbook.", null);
    }
  }

  /**
   * Runs statements on the writing thread as part of a transaction, one after the other; returns
   * when they are committed. They may be run twice, if the connection breaks.
   *
   * @throws LedgerException when they fail or cannot be committed
   */
  public <T> T write(Statements<T> statements) {
    return writing.run(statements);
  }

  /**
   * Runs statements that only read, on the reading connection; they see the last commit. They may
   * be run twice, if the connection breaks.
   *
   * @throws LedgerException when they fail
   */
  public <T> T read(Statements<T> statements) {
    synchronized (readLock) {
      try {
        return readOnce(statements);
      } catch (SQLException first) {
        // The connection may have died while idle.
        closeReading();
        try {
          return readOnce(statements);
        } catch (SQLException e) {
          closeReading();
          throw new LedgerException("The ledger cannot be read: " + store.reason(e), e);
        }
      }
    }
  }

  /**
   * Writes what is waiting, settles what is still under way here as INTERRUPTED and lets other
   * servers have the ledger.
   */
  @Override
  public void close() {
    try {
      logInterrupted(
          write(connection -> {
            leases.end(connection);
            return RequestTable.interrupt(connection, instance);
          }));
    } catch (LedgerException e) {
      LOG.warn("What is still under way will be recorded as INTERRUPTED later: {}", e.getMessage());
    }
    writing.close();
    synchronized (readLock) {
      closeReading();
    }
    store.release();
  }

  private static UUID identify(Connection connection) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "insert into ledger (uuid) values (?) on conflict do nothing")) {
      insert.setString(1, UUID.randomUUID().toString());
      insert.executeUpdate();
    }
    try (PreparedStatement select = connection.prepareStatement("select uuid from ledger");
        ResultSet row = select.executeQuery()) {
      row.next();
      return UUID.fromString(row.getString(1));
    }
  }

  /** Whoever had a ledger that is not shared before is dead now. */
  private int begin(Connection connection) throws SQLException {
    if (store.shared()) {
      leases.renew(connection);
      return 0;
    }
    return RequestTable.interrupt(connection, null);
  }

  private static int logInterrupted(int requests) {
    if (requests > 0) {
      LOG.warn(
          "{} requests were under way when their server ended; they are recorded as INTERRUPTED",
          requests);
    }
    return requests;
  }

  private void noteSequence(long sequence) {
    lastSequence.accumulateAndGet(sequence, Math::max);
  }

  private <T> T readOnce(Statements<T> statements) throws SQLException {
    if (reading == null) {
      reading = store.reading();
    }
    return statements.run(reading);
  }

  private Optional<String> readText(String sql, String parameter) {
    return read(connection -> Jdbc.list(connection, sql, row -> row.getString(1), parameter))
        .stream()
        .findFirst();
  }

  private void closeReading() {
    if (reading == null) {
      return;
    }
    try {
      reading.close();
    } catch (SQLException e) {
      LOG.debug("A connection of the ledger did not close cleanly", e);
    }
    reading = null;
  }

  private interface Opening {
    Optional<Connection> of(LedgerStore store) throws SQLException;
  }
}
