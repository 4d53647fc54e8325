package dev.llmproxy.usage;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes for many through one connection: what arrives while a transaction is being committed
 * shares the next one, so that nobody waits for more than two commits and the disk sees few.
 */
final class GroupCommit implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GroupCommit.class);
  private static final int MOST_IN_ONE_COMMIT = 1000;
  private static final Work<?> STOP = new Work<>(connection -> null);

  private final Connection connection;
  private final BlockingQueue<Work<?>> queue = new LinkedBlockingQueue<>();
  private final Thread thread;
  private volatile boolean closed;

  /** Takes over a connection and closes it in the end. */
  GroupCommit(Connection connection) throws SQLException {
    this.connection = connection;
    connection.setAutoCommit(false);
    thread = Thread.ofPlatform().name("ledger-writer").daemon().start(this::loop);
  }

  /** Statements that run as part of a transaction; on the writing thread, one after the other. */
  interface Statements<T> {
    T run(Connection connection) throws SQLException;
  }

  /**
   * Runs the statements and waits until they are committed. An interrupt does not end the wait,
   * because the caller has to know the outcome; it is kept.
   *
   * @throws LedgerException when they fail or cannot be committed
   */
  <T> T run(Statements<T> statements) {
    Work<T> work = new Work<>(statements);
    if (closed) {
      throw new LedgerException("The ledger is closed.", null);
    }
    queue.add(work);
    try {
      return work.committed.join();
    } catch (CompletionException e) {
      throw new LedgerException(
          "The ledger cannot be written: " + e.getCause().getMessage(), e.getCause());
    }
  }

  /** Commits what is waiting, then closes the connection. */
  @Override
  public void close() {
    closed = true;
    queue.add(STOP);
    try {
      thread.join();
      connection.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (SQLException e) {
      LOG.warn("The ledger did not close cleanly: {}", e.getMessage());
    }
  }

  private void loop() {
    List<Work<?>> batch = new ArrayList<>();
    boolean stopped = false;
    while (!stopped) {
      try {
        batch.add(queue.take());
        queue.drainTo(batch, MOST_IN_ONE_COMMIT - 1);
        stopped = batch.remove(STOP);
        commit(batch);
      } catch (InterruptedException e) {
        LOG.error("The ledger's writer was interrupted; nobody may do that", e);
      }
      batch.clear();
    }
  }

  private void commit(List<Work<?>> batch) {
    try {
      batch.forEach(work -> work.execute(connection));
      connection.commit();
      batch.forEach(Work::complete);
    } catch (SQLException | RuntimeException e) {
      batch.forEach(work -> work.committed.completeExceptionally(e));
      try {
        connection.rollback();
      } catch (SQLException rollback) {
        e.addSuppressed(rollback);
      }
    }
  }

  private static final class Work<T> {
    private final Statements<T> statements;
    private final CompletableFuture<T> committed = new CompletableFuture<>();
    private T result;

    Work(Statements<T> statements) {
      this.statements = statements;
    }

    /** A statement that fails fails its caller alone. */
    void execute(Connection connection) {
      try {
        result = statements.run(connection);
      } catch (SQLException e) {
        committed.completeExceptionally(e);
      }
    }

    void complete() {
      committed.complete(result);
    }
  }
}
