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
 * The leases of the servers that share a ledger. Each server renews its lease's row in the table
 * {@code instance}, by the database's clock. A server is dead when its lease has expired and
 * another server has watched it for that long without a renewal. So after an outage of the
 * database, during which all leases have expired, no server counts as dead if it renews within that
 * time. PostgreSQL's advisory locks would end with each connection, and so would the requests of a
 * live server. Used by one thread at a time.
 */
final class Leases {
  private static final int WATCHES_IN_A_LEASE = 4;

  private final String own;
  private final Duration lease;
  private final String now;
  private final Map<String, Seen> watched = new HashMap<>();

  /**
   * @param own this server's id
   * @param lease the time for which a renewal is valid
   * @param now the SQL expression of the database's clock in ms
   */
  Leases(String own, Duration lease, String now) {
    this.own = own;
    this.lease = lease;
    this.now = now;
  }

  /** Starts this server's lease, or starts it again. */
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

  /** Forgets the watched leases, because the watching was interrupted. */
  void forgetWatched() {
    watched.clear();
  }

  /** Returns the servers that have died, and ends their leases. */
  List<String> endExpired(Connection connection) throws SQLException {
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
      // The database's clock was set back: live servers renew by its new time.
      select.setLong(3, lease.toMillis());
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          overdue.put(row.getString(1), row.getLong(2));
        }
      }
    }
    return overdue;
  }

  /** The lock on the row makes a server that returns at this moment wait. */
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
   * @param since when this value was first seen, by this process's monotonic clock
   */
  private record Seen(long renewedAt, long since) {}
}
