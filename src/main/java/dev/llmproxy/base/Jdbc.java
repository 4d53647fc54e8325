package dev.llmproxy.base;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs SQL statements with parameters. A parameter may be null. */
public final class Jdbc {
  private Jdbc() {}

  /** Reads one row of a result. */
  @FunctionalInterface
  public interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  /** Runs a statement that changes rows; returns how many. */
  public static int update(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      return bind(statement, parameters).executeUpdate();
    }
  }

  /** All rows of a result that is known to be short. */
  public static <T> List<T> list(
      Connection connection, String sql, RowReader<T> reader, Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      return list(bind(statement, parameters), reader);
    }
  }

  /**
   * As {@link #list(Connection, String, RowReader, Object...)}, for a statement with parameters.
   */
  public static <T> List<T> list(PreparedStatement select, RowReader<T> reader)
      throws SQLException {
    try (ResultSet rows = select.executeQuery()) {
      List<T> list = new ArrayList<>();
      while (rows.next()) {
        list.add(reader.read(rows));
      }
      return list;
    }
  }

  /** The first row of a result; empty when there is none, or when the reader returns null. */
  public static <T> Optional<T> first(PreparedStatement select, RowReader<T> reader)
      throws SQLException {
    try (ResultSet rows = select.executeQuery()) {
      return rows.next() ? Optional.ofNullable(reader.read(rows)) : Optional.empty();
    }
  }

  /** Sets the parameters of a statement and returns it. */
  public static PreparedStatement bind(PreparedStatement statement, Object... parameters)
      throws SQLException {
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
    return statement;
  }
}
