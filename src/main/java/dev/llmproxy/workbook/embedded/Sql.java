package dev.llmproxy.workbook.embedded;

import dev.llmproxy.base.Jdbc;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A connection to the workbook's database. Caches prepared statements, because a flush runs the
 * same ones thousands of times. Used by one thread at a time.
 */
final class Sql implements AutoCloseable {
  private final Connection connection;
  private final Map<String, PreparedStatement> statements = new HashMap<>();

  Sql(Connection connection) {
    this.connection = connection;
  }

  /** Runs a statement that changes rows; returns the number of changed rows. */
  int update(String statement, Object... parameters) {
    try {
      return bind(statement, parameters).executeUpdate();
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /** All rows of a short result. */
  <T> List<T> list(String query, Jdbc.RowReader<T> reader, Object... parameters) {
    try {
      return Jdbc.list(bind(query, parameters), reader);
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /** The first row of a result. */
  <T> Optional<T> first(String query, Jdbc.RowReader<T> reader, Object... parameters) {
    try {
      return Jdbc.first(bind(query, parameters), reader);
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /** The only number of a query's result; 0 when the result is empty. */
  long number(String query, Object... parameters) {
    return first(query, row -> row.getLong(1), parameters).orElse(0L);
  }

  void commit() {
    try {
      connection.commit();
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  void rollback() {
    try {
      connection.rollback();
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /** Closes the connection and its statements. */
  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  private PreparedStatement bind(String text, Object... parameters) throws SQLException {
    PreparedStatement statement = statements.get(text);
    if (statement == null) {
      statement = connection.prepareStatement(text);
      statements.put(text, statement);
    }
    return Jdbc.bind(statement, parameters);
  }
}
