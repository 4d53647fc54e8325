package dev.llmproxy.workbook.embedded;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Short hand for one database connection. Keeps its prepared statements, because a flush runs the
 * same few thousands of times. Used by one thread at a time.
 */
final class Sql implements AutoCloseable {
  private final Connection connection;
  private final Map<String, PreparedStatement> statements = new HashMap<>();

  Sql(Connection connection) {
    this.connection = connection;
  }

  /** Reads one row of a result. */
  @FunctionalInterface
  interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  /** Runs a statement that changes something; answers how many rows it changed. */
  int update(String statement, Object... parameters) {
    try {
      return bind(statement, parameters).executeUpdate();
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /** All rows of a result that is known to be short. */
  <T> List<T> list(String query, RowReader<T> reader, Object... parameters) {
    try (ResultSet rows = bind(query, parameters).executeQuery()) {
      List<T> list = new ArrayList<>();
      while (rows.next()) {
        list.add(reader.read(rows));
      }
      return list;
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /** The first row of a result. */
  <T> Optional<T> first(String query, RowReader<T> reader, Object... parameters) {
    try (ResultSet rows = bind(query, parameters).executeQuery()) {
      return rows.next() ? Optional.ofNullable(reader.read(rows)) : Optional.empty();
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /** The one number a query answers; 0 when it answers none. */
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
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
    return statement;
  }
}
