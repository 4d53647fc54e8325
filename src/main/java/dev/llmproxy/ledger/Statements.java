package dev.llmproxy.ledger;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * Statements that run in a transaction of the ledger's database.
 *
 * @param <T> the type of their result
 */
@FunctionalInterface
public interface Statements<T> {
  T run(Connection connection) throws SQLException;
}
