package dev.llmproxy.ledger;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * Statements that run in a transaction of the ledger's database.
 *
 * @param <T> what they result in
 */
@FunctionalInterface
public interface Statements<T> {
  T run(Connection connection) throws SQLException;
}
