package dev.llmproxy.ledger;

import dev.llmproxy.attempt.Attempt;
import dev.llmproxy.call.Settlement;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The SQL of the table {@code attempt}. */
public final class AttemptTable {
  private static final int LONGEST_OUTCOME = 64;

  private AttemptTable() {}

  /** Adds the attempts of settled requests. */
  static void add(Prepared prepared, List<Settlement> settlements) throws SQLException {
    if (settlements.stream().allMatch(settlement -> settlement.attempts().isEmpty())) {
      return;
    }
    PreparedStatement insert =
        prepared.statement(
            "insert into attempt (request_id, number, turn, model, outcome, status, duration_ms, cost_picodollars)"
                + " values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (request_id, number) do nothing");
    for (Settlement settlement : settlements) {
      int number = 0;
      for (Attempt attempt : settlement.attempts()) {
        number++;
        insert.setString(1, settlement.requestId());
        insert.setInt(2, number);
        insert.setInt(3, attempt.turn());
        insert.setString(4, RequestTable.storable(attempt.model(), RequestTable.LONGEST_MODEL));
        insert.setString(5, RequestTable.storable(attempt.outcome(), LONGEST_OUTCOME));
        insert.setInt(6, attempt.status());
        insert.setLong(7, attempt.duration().toMillis());
        RequestTable.setCost(insert, 8, attempt.cost());
        insert.addBatch();
      }
    }
    insert.executeBatch();
  }

  /** The attempts of a request, in order; empty when the first one of each turn answered. */
  public static List<Attempt> of(Connection connection, String requestId) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "select turn, model, outcome, status, duration_ms, cost_picodollars from attempt"
                + " where request_id = ? order by number")) {
      select.setString(1, requestId);
      List<Attempt> attempts = new ArrayList<>();
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          long picodollars = row.getLong(6);
          BigDecimal cost = row.wasNull() ? null : RequestTable.dollars(picodollars);
          attempts.add(
              new Attempt(
                  row.getInt(1),
                  row.getString(2),
                  row.getString(3),
                  row.getInt(4),
                  Duration.ofMillis(row.getLong(5)),
                  cost));
        }
      }
      return attempts;
    }
  }
}
