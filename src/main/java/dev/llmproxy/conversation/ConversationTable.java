package dev.llmproxy.conversation;

import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.RequestTable;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The SQL of the tables of conversations. */
final class ConversationTable {
  private static final String SELECT =
      "select c.request_id, c.created_at, c.email, r.model, r.status, c.body, c.answer, c.bytes, c.sequence"
          + " from conversation c left join request r on r.request_id = c.request_id";

  /** An INTERRUPTED one will never have an answer. */
  private static final String ENDED =
      "(r.status = 'INTERRUPTED' or (r.status is not null and c.answer is not null))";

  private ConversationTable() {}

  /**
   * Adds a conversation that begins.
   *
   * @param bytes of the body in UTF-8
   */
  static int begin(
      Connection connection,
      String requestId,
      Instant createdAt,
      String email,
      String body,
      long bytes,
      boolean toWorkbook)
      throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "insert into conversation (request_id, created_at, email, body, bytes, to_workbook)"
                + " values (?, ?, ?, ?, ?, ?) on conflict (request_id) do nothing")) {
      insert.setString(1, requestId);
      insert.setLong(2, createdAt.toEpochMilli());
      insert.setString(3, RequestTable.storable(email, RequestTable.LONGEST_EMAIL));
      insert.setString(4, body);
      insert.setLong(5, bytes);
      insert.setInt(6, toWorkbook ? 1 : 0);
      return insert.executeUpdate();
    }
  }

  /** Adds the answer, unless the conversation has been deleted meanwhile. */
  static int end(Connection connection, String requestId, String answer, long bytes)
      throws SQLException {
    try (PreparedStatement update =
        connection.prepareStatement(
            "update conversation set answer = ?, bytes = bytes + ? where request_id = ? and answer is null")) {
      update.setString(1, answer);
      update.setLong(2, bytes);
      update.setString(3, requestId);
      return update.executeUpdate();
    }
  }

  /**
   * Deletes the oldest of those that began before then.
   *
   * @return how many, at most {@code limit}
   */
  static int expire(Connection connection, Instant before, int limit) throws SQLException {
    try (PreparedStatement delete =
        connection.prepareStatement(
            "delete from conversation where request_id in (select request_id from conversation"
                + " where created_at < ? order by created_at limit ?)")) {
      delete.setLong(1, before.toEpochMilli());
      delete.setInt(2, limit);
      return delete.executeUpdate();
    }
  }

  /**
   * Deletes all conversations of a user and notes that the workbook's are to be deleted.
   *
   * @return how many were in the ledger
   */
  static int erase(Connection connection, String email, Instant now) throws SQLException {
    try (PreparedStatement upsert =
        connection.prepareStatement(
            "insert into conversation_erasure (email, asked_at) values (?, ?)"
                + " on conflict (email) do update set asked_at = excluded.asked_at")) {
      upsert.setString(1, email);
      upsert.setLong(2, now.toEpochMilli());
      upsert.executeUpdate();
    }
    try (PreparedStatement delete =
        connection.prepareStatement("delete from conversation where lower(email) = lower(?)")) {
      delete.setString(1, email);
      return delete.executeUpdate();
    }
  }

  /**
   * The conversations that began since then, the newest first.
   *
   * @param email null for everybody's
   */
  static List<Conversation> list(Connection connection, String email, Instant since, int limit)
      throws SQLException {
    String whose = email == null ? "" : " and lower(c.email) = lower(?)";
    try (PreparedStatement select =
        connection.prepareStatement(
            SELECT
                + " where c.created_at >= ?"
                + whose
                + " order by c.created_at desc, c.request_id limit ?")) {
      int parameter = 1;
      select.setLong(parameter++, since.toEpochMilli());
      if (email != null) {
        select.setString(parameter++, email);
      }
      select.setInt(parameter, limit);
      return conversations(select);
    }
  }

  /** The conversation of a request, in a list of one or none. */
  static List<Conversation> find(Connection connection, String requestId) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(SELECT + " where c.request_id = ?")) {
      select.setString(1, requestId);
      return conversations(select);
    }
  }

  /**
   * Gives the conversations that have ended and are for the workbook their place in the order, the
   * oldest first.
   *
   * @return how many, at most {@code limit}
   */
  static int number(Connection connection, int limit) throws SQLException {
    // First, because it takes the lock: another server may be giving numbers too.
    update(connection, "update conversation_flush set last_sequence = last_sequence");
    List<String> requests = new ArrayList<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "select c.request_id from conversation c join request r on r.request_id = c.request_id"
                + " where c.to_workbook = 1 and c.sequence is null and "
                + ENDED
                + " order by c.created_at, c.request_id limit ?")) {
      select.setInt(1, limit);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          requests.add(row.getString(1));
        }
      }
    }
    for (String request : requests) {
      update(connection, "update conversation_flush set last_sequence = last_sequence + 1");
      update(
          connection,
          "update conversation set sequence = (select last_sequence from conversation_flush) where request_id = ?",
          request);
    }
    return requests.size();
  }

  /** Those with a greater sequence, in order, at most {@code limit} of them. */
  static List<Conversation> after(Connection connection, long sequence, int limit)
      throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(SELECT + " where c.sequence > ? order by c.sequence limit ?")) {
      select.setLong(1, sequence);
      select.setInt(2, limit);
      return conversations(select);
    }
  }

  /**
   * How the workbook stands.
   *
   * @param checkpoint the sequence up to which conversations are known to be in it
   * @param commitSentAt when a commit was sent whose outcome is not known; null when none is open
   * @param waiting whether there is something to add or to erase
   */
  record FlushState(long checkpoint, Instant commitSentAt, boolean waiting) {}

  static FlushState flushState(Connection connection) throws SQLException {
    try (PreparedStatement select =
            connection.prepareStatement(
                "select checkpoint, commit_sent_at,"
                    + " exists (select 1 from conversation where sequence > checkpoint)"
                    + " or exists (select 1 from conversation_erasure)"
                    + " or exists (select 1 from conversation c join request r on r.request_id = c.request_id"
                    + " where c.to_workbook = 1 and c.sequence is null and "
                    + ENDED
                    + ") from conversation_flush");
        ResultSet row = select.executeQuery()) {
      row.next();
      long sentAt = row.getLong(2);
      Instant commitSentAt = row.wasNull() ? null : Instant.ofEpochMilli(sentAt);
      return new FlushState(row.getLong(1), commitSentAt, row.getBoolean(3));
    }
  }

  /** Notes the sequence up to which conversations are in the workbook. */
  static int stands(Connection connection, long checkpoint) throws SQLException {
    return update(connection, "update conversation_flush set checkpoint = ?", checkpoint);
  }

  /** Notes that a commit is about to be sent, or with null that its outcome is known. */
  static int noteCommitSent(Connection connection, Instant at) throws SQLException {
    return at == null
        ? update(connection, "update conversation_flush set commit_sent_at = null")
        : update(connection, "update conversation_flush set commit_sent_at = ?", at.toEpochMilli());
  }

  /**
   * That a user's conversations up to a moment are to be deleted from the workbook.
   *
   * @param askedAt to the millisecond
   */
  record Erasure(String email, Instant askedAt) {}

  static List<Erasure> erasures(Connection connection) throws SQLException {
    List<Erasure> erasures = new ArrayList<>();
    try (PreparedStatement select =
            connection.prepareStatement("select email, asked_at from conversation_erasure");
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        erasures.add(new Erasure(row.getString(1), Instant.ofEpochMilli(row.getLong(2))));
      }
    }
    return erasures;
  }

  /** Forgets an erasure that is done, unless it has been asked for again. */
  static int erased(Connection connection, Erasure erasure) throws SQLException {
    return update(
        connection,
        "delete from conversation_erasure where email = ? and asked_at = ?",
        erasure.email(),
        erasure.askedAt().toEpochMilli());
  }

  private static int update(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      return statement.executeUpdate();
    }
  }

  private static List<Conversation> conversations(PreparedStatement select) throws SQLException {
    List<Conversation> conversations = new ArrayList<>();
    try (ResultSet row = select.executeQuery()) {
      while (row.next()) {
        String status = row.getString(5);
        conversations.add(
            new Conversation(
                row.getString(1),
                Instant.ofEpochMilli(row.getLong(2)),
                row.getString(3),
                row.getString(4),
                status == null ? null : Status.valueOf(status),
                row.getString(6),
                row.getString(7),
                row.getLong(8),
                row.getLong(9)));
      }
    }
    return conversations;
  }
}
