package dev.llmproxy.ledger;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections for statements that read much. They are opened when they are needed, and never delay
 * those of requests or of the flush. The statements of one query see one state of the ledger.
 */
final class QueryConnections implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(QueryConnections.class);
  private static final int MOST = 3;

  private final LedgerStore store;
  private final Semaphore free = new Semaphore(MOST);
  private final Queue<Connection> idle = new ConcurrentLinkedQueue<>();

  QueryConnections(LedgerStore store) {
    this.store = store;
  }

  /**
   * Runs read-only statements; waits while as many queries run as there may be at once. They may
   * run twice if an idle connection has broken.
   *
   * @throws LedgerException when the statements fail
   */
  <T> T run(Statements<T> statements) {
    free.acquireUninterruptibly();
    try {
      Connection used = idle.poll();
      if (used != null) {
        try {
          return run(used, statements);
        } catch (SQLException e) {
          LOG.debug("A query runs again on a new connection", e);
        }
      }
      return run(open(), statements);
    } catch (SQLException e) {
      throw new LedgerException("The ledger cannot be read: " + store.reason(e), e);
    } finally {
      free.release();
    }
  }

  /** No query may run any more. */
  @Override
  public void close() {
    for (Connection one = idle.poll(); one != null; one = idle.poll()) {
      discard(one);
    }
  }

  private Connection open() throws SQLException {
    Connection connection = store.reading();
    connection.setAutoCommit(false);
    if (store.shared()) {
      // SQLite's transactions see one state without being told.
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    }
    return connection;
  }

  private <T> T run(Connection connection, Statements<T> statements) throws SQLException {
    boolean usable = false;
    try {
      T result = statements.run(connection);
      connection.rollback();
      usable = true;
      return result;
    } finally {
      if (usable) {
        idle.add(connection);
      } else {
        discard(connection);
      }
    }
  }

  private static void discard(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      LOG.debug("A connection of the ledger did not close cleanly", e);
    }
  }
}
