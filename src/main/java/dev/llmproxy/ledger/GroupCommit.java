package dev.llmproxy.ledger;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes through one connection for many threads. Work that arrives during a commit shares the next
 * transaction, so nobody waits for more than two commits and the disk sees few. Under load, work is
 * gathered for a millisecond. A failed connection is replaced. Work that fails because of its own
 * values fails alone. All work completes or fails, whatever is thrown on the way, because a caller
 * waits for it.
 */
final class GroupCommit implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GroupCommit.class);
  private static final int MOST_IN_ONE_COMMIT = 1000;
  private static final long RECONNECT_NANOS = Duration.ofSeconds(1).toNanos();
  private static final int VALID_SECONDS = 1;

  /** A commit follows the previous one at once unless that had more work than this. */
  private static final int FEW = 3;

  private static final long GATHER_NANOS = Duration.ofMillis(1).toNanos();
  private static final Work<?> STOP = new Single<>(connection -> null);

  private final LedgerStore store;
  private final BlockingQueue<Work<?>> queue = new LinkedBlockingQueue<>();
  private final Thread thread;
  private final Object closing = new Object();
  private boolean closed;
  private volatile boolean works = true;
  private volatile CommitWatch watch = CommitWatch.NONE;
  // All fields below belong to the writing thread.
  private Connection connection;
  private Prepared prepared;
  private SQLException unreachable;
  private long unreachableSince;

  /**
   * Opens the first connection.
   *
   * @throws SQLException when no connection can be opened
   */
  GroupCommit(LedgerStore store) throws SQLException {
    this.store = store;
    open();
    thread = Thread.ofPlatform().name("ledger-writer").daemon().start(this::loop);
  }

  /**
   * Statements for many inputs at once, with an output for each input, in order. If they fail
   * because of a value, they run again with fewer inputs, until that input fails alone.
   */
  interface BatchStatements<I, O> {
    List<O> run(Prepared statements, List<I> inputs) throws SQLException;
  }

  /**
   * Runs the statements and waits until they are committed. An interrupt does not end the wait,
   * because the caller needs the outcome; the thread's interrupt flag stays set.
   *
   * @throws LedgerException when the statements fail or cannot be committed
   */
  <T> T run(Statements<T> statements) {
    return await(submit(new Single<>(statements)));
  }

  /** Like {@link #run(Statements)}, for one input of many. */
  <I, O> O run(BatchStatements<I, O> statements, I input) {
    return await(submit(statements, input));
  }

  /**
   * Returns the output for one input. The future completes when the output is committed, or fails
   * with a {@link LedgerException}. Dependent actions run on the writing thread and should be
   * short.
   */
  <I, O> CompletableFuture<O> submit(BatchStatements<I, O> statements, I input) {
    return submit(new OneOfMany<>(statements, input));
  }

  /** Commits the waiting work, then closes the connection. */
  @Override
  public void close() {
    synchronized (closing) {
      closed = true;
      queue.add(STOP);
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Tells a watch of each commit from now on. */
  void watch(CommitWatch told) {
    watch = told;
  }

  /** Whether the last commit succeeded. */
  boolean works() {
    return works;
  }

  /** The number of works that wait. */
  int waiting() {
    return queue.size();
  }

  private <T> CompletableFuture<T> submit(Work<T> work) {
    // No work may come after STOP, because nobody would write it.
    synchronized (closing) {
      if (!closed) {
        queue.add(work);
        return work.committed;
      }
    }
    work.committed.completeExceptionally(new LedgerException("The ledger is closed.", null));
    return work.committed;
  }

  /** Waits for submitted work; fails with its {@link LedgerException}. */
  static <T> T await(CompletableFuture<T> committed) {
    try {
      return committed.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof LedgerException failure) {
        throw failure.copy();
      }
      throw e;
    }
  }

  private void loop() {
    List<Work<?>> batch = new ArrayList<>(MOST_IN_ONE_COMMIT);
    boolean stopped = false;
    boolean busy = false;
    while (!stopped) {
      try {
        batch.add(queue.take());
        if (busy) {
          // A commit costs as much as the rows of several requests.
          LockSupport.parkNanos(GATHER_NANOS);
        }
        queue.drainTo(batch, MOST_IN_ONE_COMMIT - 1);
        busy = batch.size() > FEW;
        stopped = batch.remove(STOP);
        commit(batch);
      } catch (InterruptedException e) {
        LOG.error("The ledger's writing thread was interrupted, which must never happen", e);
      } catch (RuntimeException | Error e) {
        // Even an OutOfMemoryError must not end the only writing thread.
        works = false;
        batch.forEach(work -> work.fail("The ledger cannot be written: " + e, e, true));
      }
      batch.clear();
    }
    disconnect();
  }

  private void commit(List<Work<?>> batch) {
    if (batch.isEmpty()) {
      return;
    }
    long began = System.nanoTime();
    boolean committing = false;
    try {
      execute(batch);
      committing = true;
      connection.commit();
    } catch (SQLException | RuntimeException | Error e) {
      works = false;
      watch.committed(batch.size(), System.nanoTime() - began, false);
      disconnect();
      String reason = e instanceof SQLException sql ? store.reason(sql) : e.toString();
      // A database server may have committed without being able to answer.
      boolean outcomeUnknown = committing && store.shared();
      for (Work<?> work : batch) {
        work.fail("The ledger cannot be written: " + reason, e, outcomeUnknown);
      }
      return;
    }
    works = true;
    watch.committed(batch.size(), System.nanoTime() - began, true);
    batch.forEach(Work::complete);
  }

  /**
   * Replaces a connection that died while idle, for instance because the database server was
   * restarted, so that no caller fails.
   */
  private void execute(List<Work<?>> batch) throws SQLException {
    boolean used = connection != null;
    try {
      connect();
      executeOrIsolate(batch);
    } catch (SQLException e) {
      if (!used || connection.isValid(VALID_SECONDS)) {
        throw e;
      }
      disconnect();
      connect();
      executeOrIsolate(batch);
    }
  }

  /**
   * Each savepoint costs a round trip to the database, so savepoints are used only after a failure.
   */
  private void executeOrIsolate(List<Work<?>> batch) throws SQLException {
    try {
      executeOnce(batch, OneOfMany::execute);
    } catch (SQLException | RuntimeException | Error e) {
      if (!isCausedByValues(e)) {
        throw e;
      }
      connection.rollback();
      executeOnce(batch, this::executeIsolating);
    }
  }

  private void executeOnce(List<Work<?>> batch, Executing executing) throws SQLException {
    Map<BatchStatements<?, ?>, List<OneOfMany<?, ?>>> batches = new LinkedHashMap<>();
    List<Single<?>> singles = new ArrayList<>();
    for (Work<?> work : batch) {
      if (work.failed()) {
        continue;
      }
      switch (work) {
        case OneOfMany<?, ?> one ->
            batches.computeIfAbsent(one.statements, statements -> new ArrayList<>()).add(one);
        case Single<?> single -> singles.add(single);
      }
    }
    for (List<OneOfMany<?, ?>> many : batches.values()) {
      executing.execute(prepared, many);
    }
    for (Single<?> single : singles) {
      single.execute(connection);
    }
  }

  /**
   * Halves failing inputs until only the inputs that cause the failure are left; these fail alone.
   */
  private void executeIsolating(Prepared prepared, List<OneOfMany<?, ?>> many) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      OneOfMany.execute(prepared, many);
      connection.releaseSavepoint(before);
    } catch (SQLException | RuntimeException | Error e) {
      if (!isCausedByValues(e)) {
        throw e;
      }
      connection.rollback(before);
      if (many.size() == 1) {
        String reason = e instanceof SQLException sql ? store.reason(sql) : e.toString();
        many.getFirst().refuse("The ledger does not take this: " + reason, e);
      } else {
        int half = many.size() / 2;
        executeIsolating(prepared, many.subList(0, half));
        executeIsolating(prepared, many.subList(half, many.size()));
      }
    }
  }

  private boolean isCausedByValues(Throwable failure) {
    return !(failure instanceof SQLException sql) || store.isCausedByValues(sql);
  }

  /** Opens a connection if there is none. After a failure, fails at once for a second. */
  private void connect() throws SQLException {
    if (connection != null) {
      return;
    }
    if (unreachable != null && System.nanoTime() - unreachableSince < RECONNECT_NANOS) {
      throw unreachable;
    }
    try {
      open();
      unreachable = null;
    } catch (SQLException e) {
      unreachable = e;
      unreachableSince = System.nanoTime();
      throw e;
    }
  }

  private void open() throws SQLException {
    connection = store.writing();
    prepared = new Prepared(connection);
  }

  private void disconnect() {
    if (connection == null) {
      return;
    }
    try (Connection closing = connection) {
      connection = null;
      closing.rollback();
    } catch (SQLException | RuntimeException | Error e) {
      LOG.debug("A connection of the ledger did not close cleanly", e);
    }
  }

  private interface Executing {
    void execute(Prepared prepared, List<OneOfMany<?, ?>> many) throws SQLException;
  }

  private abstract static sealed class Work<T> {
    private final CompletableFuture<T> committed = new CompletableFuture<>();
    T result;

    void complete() {
      committed.complete(result);
    }

    final void fail(String message, Throwable cause, boolean outcomeUnknown) {
      committed.completeExceptionally(new LedgerException(message, cause, outcomeUnknown));
    }

    /** The work fails because of its own values; another try would fail too. */
    final void refuse(String message, Throwable cause) {
      committed.completeExceptionally(LedgerException.refused(message, cause));
    }

    final boolean failed() {
      return committed.isDone();
    }
  }

  private static final class Single<T> extends Work<T> {
    private final Statements<T> statements;

    Single(Statements<T> statements) {
      this.statements = statements;
    }

    /** Failing statements fail only for their own caller. */
    void execute(Connection connection) throws SQLException {
      Savepoint before = connection.setSavepoint();
      try {
        result = statements.run(connection);
        connection.releaseSavepoint(before);
      } catch (SQLException | RuntimeException | Error e) {
        connection.rollback(before);
        fail("The ledger cannot be written: " + e.getMessage(), e, false);
      }
    }
  }

  private static final class OneOfMany<I, O> extends Work<O> {
    private final BatchStatements<I, O> statements;
    private final I input;

    OneOfMany(BatchStatements<I, O> statements, I input) {
      this.statements = statements;
      this.input = input;
    }

    /**
     * @param many work with the same statements
     */
    @SuppressWarnings("unchecked")
    static <I, O> void execute(Prepared prepared, List<OneOfMany<?, ?>> many) throws SQLException {
      List<OneOfMany<I, O>> works = (List<OneOfMany<I, O>>) (List<?>) many;
      List<O> outputs =
          works.get(0).statements.run(prepared, works.stream().map(work -> work.input).toList());
      for (int i = 0; i < works.size(); i++) {
        works.get(i).result = outputs.get(i);
      }
    }
  }
}
