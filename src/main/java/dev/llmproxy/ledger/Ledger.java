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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.flywaydb.core.Flyway;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The durable record of every request. A request is admitted before its first byte is sent and
 * settled when it ends; both methods return after the commit. A request belongs to the server that
 * admitted it. If that server dies, the request is settled as INTERRUPTED with the usage of its
 * last checkpoint. One {@link GroupCommit} thread does all writing; reading has its own connection.
 */
public final class Ledger implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);
  private static final Duration LEASE = Duration.ofSeconds(30);

  private final LedgerStore store;
  private final String instance = UUID.randomUUID().toString();
  private final GroupCommit writing;
  private final Leases leases;
  private final QueryConnections queries;
  private final GroupCommit.BatchStatements<Admission, Boolean> admit =
      (prepared, admissions) -> RequestTable.admit(prepared, Ledger.this.instance, admissions);
  private final GroupCommit.BatchStatements<Settlement, Long> settle = RequestTable::settle;
  private final GroupCommit.BatchStatements<Checkpoint, Boolean> checkpoint =
      RequestTable::checkpoint;
  private final GroupCommit.BatchStatements<Integer, Long> sumUsage = Ledger::sumUsage;
  private final AtomicLong lastSequence = new AtomicLong();
  private final UUID id;
  private final Object readLock = new Object();
  private Connection reading;

  private Ledger(LedgerStore store, Duration lease) throws SQLException {
    this.store = store;
    leases = new Leases(instance, lease, store.now());
    queries = new QueryConnections(store);
    reading = store.reading();
    writing = new GroupCommit(store);
    try {
      // Not the thread's class loader, because under camel run it cannot load this application's
      // classes.
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
   * Opens or creates the ledger that the settings name.
   *
   * @throws LedgerException when another server has the ledger open and does not share it, or when
   *     it cannot be used
   */
  public static Ledger open(Settings settings) {
    return open(LedgerStore.of(settings), LEASE);
  }

  /** Like {@link #open(Settings)}, for SQLite in a folder. */
  public static Ledger open(Path folder) {
    return open(new SqliteStore(folder, false), LEASE);
  }

  /**
   * @param lease the time without a renewal after which a server that shares the ledger counts as
   *     dead
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
   * The usage of each user and model. A server may have the ledger open. Empty when there is no
   * ledger.
   */
  public static List<UsageTotal> totals(Settings settings, Instant since) {
    return totals(LedgerStore.of(settings), since);
  }

  static List<UsageTotal> totals(LedgerStore store, Instant since) {
    return withConnection(
        store,
        LedgerStore::inspecting,
        connection -> RequestTable.totals(connection, since),
        List.of());
  }

  /**
   * Reads a ledger that a server may have open.
   *
   * @param withoutLedger the result when there is no ledger
   * @throws LedgerException when the ledger cannot be read
   */
  public static <T> T inspect(Settings settings, Statements<T> statements, T withoutLedger) {
    return withConnection(
        LedgerStore.of(settings), LedgerStore::inspecting, statements, withoutLedger);
  }

  /**
   * Changes a ledger that a server may have open, in its own transaction.
   *
   * @param withoutLedger the result when there is no ledger
   * @throws LedgerException when the ledger cannot be changed
   */
  public static <T> T change(Settings settings, Statements<T> statements, T withoutLedger) {
    return withConnection(
        LedgerStore.of(settings), LedgerStore::changing, statements, withoutLedger);
  }

  private static <T> T withConnection(
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

  /**
   * The ledger's id. It is created with the ledger, never changes, and is the same for all servers
   * that share it.
   */
  public UUID id() {
    return id;
  }

  /**
   * The sequence of the last settled record, or 0. Settlements of other servers appear within
   * seconds.
   */
  public long lastSequence() {
    return lastSequence.get();
  }

  /**
   * Records an admitted request; returns after the commit.
   *
   * @throws LedgerException when the request cannot be recorded; it must then not be served
   */
  public void admit(Admission admission) {
    if (!writing.run(admit, admission)) {
      throw new LedgerException(
          "The ledger cannot be written: it has a request " + admission.requestId() + " already.",
          null);
    }
  }

  /**
   * Records the outcome of an admitted request; returns after the commit. Only the first settlement
   * of a request counts.
   *
   * @return whether this settlement was the first
   * @throws LedgerException when the outcome cannot be recorded now
   */
  public boolean settle(Settlement settlement) {
    return GroupCommit.await(settleLater(settlement));
  }

  /**
   * Like {@link #settle}, without waiting. The future's value is whether this settlement was the
   * first; it fails with a {@link LedgerException}. Dependent actions run on the writing thread and
   * should be short.
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
   * Stores the checkpoints of running requests; returns after the commit. A checkpoint that the
   * ledger refuses because of its values is logged, and the others are stored.
   *
   * @throws LedgerException when the checkpoints cannot be stored now
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
            "{} its usage so far cannot be stored: {}",
            checkpoints.get(i).requestId(),
            e.getMessage());
      }
    }
  }

  /** This server's id among those that share the ledger. */
  String instance() {
    return instance;
  }

  /** The ledger's id, a slash, and this server's id among those that share the ledger. */
  public String server() {
    return id + "/" + instance;
  }

  /**
   * The end of a request; empty while it runs.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public Optional<RequestEnd> end(String requestId) {
    return query(connection -> RequestTable.end(connection, requestId));
  }

  /**
   * The value that all servers with this ledger use for a name: the first that one of them has
   * given.
   *
   * @param own this server's, if there is none yet
   * @return {@code own} when the ledger is not shared
   * @throws LedgerException when the ledger does not work now
   */
  public String agree(String name, String own) {
    if (!store.shared()) {
      return own;
    }
    return write(connection -> {
      Jdbc.update(
          connection,
          "insert into shared_value (name, text) values (?, ?) on conflict (name) do nothing",
          name,
          own);
      return Jdbc.list(
              connection,
              "select text from shared_value where name = ?",
              row -> row.getString(1),
              name)
          .getFirst();
    });
  }

  /**
   * The server that writes to the workbook, by the id in {@link #server}; empty when none does at
   * the moment.
   */
  public Optional<String> writer() {
    return store.shared() ? read(PostgresStore::writer) : Optional.of(instance);
  }

  /** Whether a server is this one, by its id. */
  public boolean isThis(String server) {
    return instance.equals(server);
  }

  /** The SQL expression of the database's clock, in ms since 1970. */
  String now() {
    return store.now();
  }

  /** Whether the last writing succeeded. After a failure it is tried again every second. */
  public boolean works() {
    return writing.works();
  }

  /** Tells a watch of each commit from now on. */
  public void watch(CommitWatch told) {
    writing.watch(told);
  }

  /** The number of writings that wait. */
  public int queue() {
    return writing.waiting();
  }

  /** Whether several servers may have the ledger open at once. */
  public boolean shared() {
    return store.shared();
  }

  /**
   * Checks that the ledger can be written, without changing it.
   *
   * @throws LedgerException when it cannot be written
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
   * Renews this server's lease and reads the settlements of the other servers. Call it every few
   * seconds.
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
   * Settles the running requests of dead servers as INTERRUPTED. One thread calls this every few
   * seconds. The first call that sees an expired lease only starts to watch it.
   *
   * @return the number of settled requests
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
            for (String dead : leases.endExpired(connection)) {
              requests += RequestTable.interrupt(connection, dead);
            }
            return requests;
          }));
    } catch (LedgerException e) {
      leases.forgetWatched();
      throw e;
    }
  }

  /**
   * Adds the next settled requests to the sums of usage; returns after the commit.
   *
   * @param limit the largest number of requests
   * @return the sequence up to which all are summed
   * @throws LedgerException when the ledger cannot be written now
   */
  long sumUsage(int limit) {
    return writing.run(sumUsage, limit);
  }

  private static List<Long> sumUsage(Prepared prepared, List<Integer> limits) throws SQLException {
    List<Long> summed = new ArrayList<>();
    for (int limit : limits) {
      summed.add(UsageRollup.sumBatch(prepared, limit));
    }
    return summed;
  }

  /** Settled records after a sequence, in order, at most {@code limit}. */
  public List<UsageRecord> after(long sequence, int limit) {
    return read(connection -> RequestTable.after(connection, sequence, limit));
  }

  /** When the first record after a sequence was settled; empty when there is none. */
  public Optional<Instant> settledAfter(long sequence) {
    return read(connection -> RequestTable.settledAfter(connection, sequence));
  }

  /** The number of settled records with a greater sequence. */
  public long settledSince(long sequence) {
    return read(connection ->
        Jdbc.list(
                connection,
                "select count(*) from request where sequence > ?",
                row -> row.getLong(1),
                sequence)
            .getFirst());
  }

  /** The title of a user's sheet; empty when none is assigned. */
  public Optional<String> sheetTitle(String email) {
    return readText("select title from user_sheet where email = ?", email);
  }

  /** Whether a title is assigned to a user. */
  public boolean sheetTitleTaken(String title) {
    return readText("select email from user_sheet where title = ?", title).isPresent();
  }

  /** Assigns a title to a user's sheet, for good. */
  public void assignSheetTitle(String email, String title) {
    write(connection -> {
      try (PreparedStatement insert =
          connection.prepareStatement("insert into user_sheet (email, title) values (?, ?)")) {
        insert.setString(1, email);
        insert.setString(2, title);
        return insert.executeUpdate();
      }
    });
  }

  /** When a commit to the workbook was sent whose outcome is unknown; empty when there is none. */
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

  /** Tries to become, or to stay, the only server that writes to the workbook. */
  public synchronized boolean lead() {
    return store.lead(instance);
  }

  /**
   * Stores that a commit to the workbook is about to be sent, or with null that its outcome is
   * known. The records of the commit are on disk before it is sent, whatever LLMPROXY_FSYNC is.
   * Otherwise a power loss could remove them from the ledger, and their sequences would be assigned
   * again, to records that the workbook then seems to have.
   *
   * @throws LedgerException when this cannot be stored, or another server has become the writer;
   *     nothing may be sent then
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

  /** Like {@link #noteCommitSent}, for a commit that the statements record as about to be sent. */
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
    // The check comes after the statements: a server that becomes the writer from now on sees the
    // record and waits.
    if (!store.leads()) {
      throw new LedgerException("Another server writes to the workbook now.", null);
    }
  }

  /**
   * Runs statements on the writing thread as part of a transaction; returns after the commit. They
   * may run twice if the connection breaks.
   *
   * @throws LedgerException when the statements fail or cannot be committed
   */
  public <T> T write(Statements<T> statements) {
    return writing.run(statements);
  }

  /**
   * Runs read-only statements on the reading connection; they see the last commit. They may run
   * twice if the connection breaks.
   *
   * @throws LedgerException when the statements fail
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
   * Runs read-only statements that may take long, on a connection of their own; they see the last
   * commit, all statements the same one. They may run twice if the connection breaks.
   *
   * @throws LedgerException when the statements fail
   */
  public <T> T query(Statements<T> statements) {
    return queries.run(statements);
  }

  /**
   * Writes the waiting work, settles the requests still running here as INTERRUPTED, and releases
   * the ledger for other servers.
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
      LOG.warn("Running requests will be recorded as INTERRUPTED later: {}", e.getMessage());
    }
    writing.close();
    queries.close();
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

  /** If the ledger is not shared, every earlier server that had it open is dead now. */
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
          "{} requests were running when their server ended; they are recorded as INTERRUPTED",
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
