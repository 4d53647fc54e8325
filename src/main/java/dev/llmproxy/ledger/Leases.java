package dev.llmproxy.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which servers that share a ledger live. Each renews the row of its lease in the table {@code
 * instance}, by the database's clock. It is dead when its lease has run out and was not renewed for
 * as long as another has watched it. So an outage of the database, after which all leases have run
 * out, makes nobody look dead who renews within that time. PostgreSQL's advisory locks would end
 * with each connection, and with it the requests of a server that lives. Used by one thread at a
 * time.
 */
final class Leases {
  private static final int WATCHES_IN_A_LEASE = 4;

  private final String own;
  private final Duration lease;
  private final String now;
  private final Map<String, Seen> watched = new HashMap<>();

  /**
   * @param own this server's id
   * @param lease for how long a renewal holds
   * @param now the SQL expression of the database's clock in ms
   */
  Leases(String own, Duration lease, String now) {
    this.own = own;
    this.lease = lease;
    this.now = now;
  }

  /** Begins this server's lease, or makes it begin anew. */
  int renew(Connection connection) throws SQLException {
    try (PreparedStatement upsert =
        connection.prepareStatement(
            "insert into instance (id, renewed_at) values (?, "
                + now
                + ") on conflict (id) do update set renewed_at = excluded.renewed_at")) {
      upsert.setString(1, own);
      return upsert.executeUpdate();
    }
  }

  /** Forgets what was watched: the watching was broken off. */
  void lookAway() {
    watched.clear();
  }

  /** The servers that have died, whose leases end with this. */
  List<String> endThoseOfTheDead(Connection connection) throws SQLException {
    Map<String, Long> overdue = overdue(connection);
    watched.keySet().retainAll(overdue.keySet());
    List<String> dead = new ArrayList<>();
    for (Map.Entry<String, Long> other : overdue.entrySet()) {
      Seen seen = watched.get(other.getKey());
      if (seen == null || seen.renewedAt != other.getValue()) {
        watched.put(other.getKey(), new Seen(other.getValue(), System.nanoTime()));
      } else if (System.nanoTime() - seen.since >= lease.toNanos() / WATCHES_IN_A_LEASE
          && end(connection, other.getKey(), other.getValue())) {
        dead.add(other.getKey());
      }
    }
    return dead;
  }

  /** Ends this server's lease. */
  void end(Connection connection) throws SQLException {
    try (PreparedStatement delete =
        connection.prepareStatement("delete from instance where id = ?")) {
      delete.setString(1, own);
      delete.executeUpdate();
    }
  }

  private Map<String, Long> overdue(Connection connection) throws SQLException {
    Map<String, Long> overdue = new HashMap<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "select id, renewed_at from instance where id <> ?"
                + " and (renewed_at < "
                + now
                + " - ? or renewed_at > "
                + now
                + " + ?)")) {
      select.setString(1, own);
      select.setLong(2, lease.toMillis());
      // The database's clock was set back: who lives renews by its new time.
      select.setLong(3, lease.toMillis());
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          overdue.put(row.getString(1), row.getLong(2));
        }
      }
    }
    return overdue;
  }

  /** The row's lock keeps a server that comes back this very moment waiting. */
  private static boolean end(Connection connection, String id, long renewedAt) throws SQLException {
    try (PreparedStatement delete =
        connection.prepareStatement("delete from instance where id = ? and renewed_at = ?")) {
      delete.setString(1, id);
      delete.setLong(2, renewedAt);
      return delete.executeUpdate() == 1;
    }
  }

  /**
   * @param renewedAt by the database's clock
   * @param since when this was seen first, by this process's monotonic clock
   */
  private record Seen(long renewedAt, long since) {}
}
