package dev.llmproxy.conversation;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Jdbc;
import dev.llmproxy.call.ConversationStorage;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.RequestTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The SQL of the tables of conversations. */
final class ConversationTable {
  private static final String SELECT =
      "select c.request_id, c.created_at, c.email, r.model, r.status, c.body, c.answer, c.bytes, c.sequence"
          + " from conversation c left join request r on r.request_id = c.request_id";

  /** An INTERRUPTED conversation will never have an answer. */
  private static final String ENDED =
      "(r.status = 'INTERRUPTED' or (r.status is not null and c.answer is not null))";

  private ConversationTable() {}

  /**
   * Adds a new conversation.
   *
   * @param bytes the size of the body in UTF-8
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
    return Jdbc.update(
        connection,
        "insert into conversation (request_id, created_at, email, body, bytes, to_workbook)"
            + " values (?, ?, ?, ?, ?, ?) on conflict (request_id) do nothing",
        requestId,
        createdAt.toEpochMilli(),
        RequestTable.storable(email, RequestTable.LONGEST_EMAIL),
        body,
        bytes,
        toWorkbook ? 1 : 0);
  }

  /** Adds the answer, unless the conversation has been deleted in the meantime. */
  static int end(Connection connection, String requestId, String answer, long bytes)
      throws SQLException {
    return Jdbc.update(
        connection,
        "update conversation set answer = ?, bytes = bytes + ? where request_id = ? and answer is null",
        answer,
        bytes,
        requestId);
  }

  /**
   * Deletes the oldest conversations that began before then.
   *
   * @return the number of deleted conversations, at most {@code limit}
   */
  static int expire(Connection connection, Instant before, int limit) throws SQLException {
    return Jdbc.update(
        connection,
        "delete from conversation where request_id in (select request_id from conversation"
            + " where created_at < ? order by created_at limit ?)",
        before.toEpochMilli(),
        limit);
  }

  /**
   * Deletes all conversations of a user, and stores that those in the workbook are to be deleted.
   *
   * @return the number of conversations that were in the ledger
   */
  static int erase(Connection connection, String email, Instant now) throws SQLException {
    Jdbc.update(
        connection,
        "insert into conversation_erasure (email, asked_at) values (?, ?)"
            + " on conflict (email) do update set asked_at = excluded.asked_at",
        email,
        now.toEpochMilli());
    int deleted = 0;
    for (String spelling : spellings(connection, email)) {
      deleted += Jdbc.update(connection, "delete from conversation where email = ?", spelling);
    }
    return deleted;
  }

  /** Whether two addresses belong to one user. */
  static boolean sameUser(String email, String other) {
    return folded(email).equals(folded(other));
  }

  /** The spellings of a user's address in the ledger. */
  private static List<String> spellings(Connection connection, String email) throws SQLException {
    return Jdbc.list(connection, "select distinct email from conversation", row -> row.getString(1))
        .stream()
        .filter(spelling -> sameUser(spelling, email))
        .toList();
  }

  private static String folded(String email) {
    return EmailAddress.folded(RequestTable.storable(email, RequestTable.LONGEST_EMAIL));
  }

  /**
   * The conversations that began since then, newest first.
   *
   * @param email null for all users
   */
  static List<Conversation> list(Connection connection, String email, Instant since, int limit)
      throws SQLException {
    List<Object> parameters = new ArrayList<>(List.of(since.toEpochMilli()));
    String whose = "";
    if (email != null) {
      List<String> spellings = spellings(connection, email);
      if (spellings.isEmpty()) {
        return List.of();
      }
      whose =
          " and c.email in (" + String.join(", ", Collections.nCopies(spellings.size(), "?")) + ")";
      parameters.addAll(spellings);
    }
    parameters.add(limit);
    return conversations(
        connection,
        " where c.created_at >= ?" + whose + " order by c.created_at desc, c.request_id limit ?",
        parameters.toArray());
  }

  /** The conversation of a request, in a list of at most one. */
  static List<Conversation> find(Connection connection, String requestId) throws SQLException {
    return conversations(connection, " where c.request_id = ?", requestId);
  }

  /** Where the conversation of a request is stored; empty when it is not. */
  static Optional<ConversationStorage> storage(Connection connection, String requestId)
      throws SQLException {
    return Jdbc.list(
            connection,
            "select to_workbook from conversation where request_id = ?",
            row -> row.getInt(1) == 0 ? ConversationStorage.LEDGER : ConversationStorage.WORKBOOK,
            requestId)
        .stream()
        .findFirst();
  }

  /**
   * Assigns a sequence to the ended conversations that are for the workbook, oldest first.
   *
   * @return the number of conversations, at most {@code limit}
   */
  static int number(Connection connection, int limit) throws SQLException {
    // This comes first because it takes the lock: another server may be assigning sequences too.
    Jdbc.update(connection, "update conversation_flush set last_sequence = last_sequence");
    List<String> requests =
        Jdbc.list(
            connection,
            "select c.request_id from conversation c join request r on r.request_id = c.request_id"
                + " where c.to_workbook = 1 and c.sequence is null and "
                + ENDED
                + " order by c.created_at, c.request_id limit ?",
            row -> row.getString(1),
            limit);
    for (String request : requests) {
      Jdbc.update(connection, "update conversation_flush set last_sequence = last_sequence + 1");
      Jdbc.update(
          connection,
          "update conversation set sequence = (select last_sequence from conversation_flush) where request_id = ?",
          request);
    }
    return requests.size();
  }

  /** The conversations with a greater sequence, in order, at most {@code limit}. */
  static List<Conversation> after(Connection connection, long sequence, int limit)
      throws SQLException {
    return conversations(
        connection, " where c.sequence > ? order by c.sequence limit ?", sequence, limit);
  }

  /**
   * The state of the flush of conversations.
   *
   * @param checkpoint the sequence up to which conversations are known to be in the workbook
   * @param commitSentAt when a commit was sent whose outcome is unknown; null when none is open
   * @param waiting whether there is something to add or to erase
   */
  record FlushState(long checkpoint, Instant commitSentAt, boolean waiting) {}

  static FlushState flushState(Connection connection) throws SQLException {
    return Jdbc.list(
            connection,
            "select checkpoint, commit_sent_at,"
                + " exists (select 1 from conversation where sequence > checkpoint)"
                + " or exists (select 1 from conversation_erasure)"
                + " or exists (select 1 from conversation c join request r on r.request_id = c.request_id"
                + " where c.to_workbook = 1 and c.sequence is null and "
                + ENDED
                + ") from conversation_flush",
            row -> {
              long checkpoint = row.getLong(1);
              long sentAt = row.getLong(2);
              Instant commitSentAt = row.wasNull() ? null : Instant.ofEpochMilli(sentAt);
              return new FlushState(checkpoint, commitSentAt, row.getBoolean(3));
            })
        .getFirst();
  }

  /** The number of ended conversations that are for the workbook and not known to be in it. */
  static long waiting(Connection connection) throws SQLException {
    return Jdbc.list(
            connection,
            "select (select count(*) from conversation, conversation_flush where sequence > checkpoint)"
                + " + (select count(*) from conversation c join request r on r.request_id = c.request_id"
                + " where c.to_workbook = 1 and c.sequence is null and "
                + ENDED
                + ")",
            row -> row.getLong(1))
        .getFirst();
  }

  /** Stores the sequence up to which conversations are in the workbook. */
  static int setCheckpoint(Connection connection, long checkpoint) throws SQLException {
    return Jdbc.update(connection, "update conversation_flush set checkpoint = ?", checkpoint);
  }

  /** Stores that a commit is about to be sent, or with null that its outcome is known. */
  static int noteCommitSent(Connection connection, Instant at) throws SQLException {
    return at == null
        ? Jdbc.update(connection, "update conversation_flush set commit_sent_at = null")
        : Jdbc.update(
            connection, "update conversation_flush set commit_sent_at = ?", at.toEpochMilli());
  }

  /**
   * A request to delete a user's conversations up to a moment from the workbook.
   *
   * @param askedAt to the millisecond
   */
  record Erasure(String email, Instant askedAt) {}

  static List<Erasure> erasures(Connection connection) throws SQLException {
    return Jdbc.list(
        connection,
        "select email, asked_at from conversation_erasure",
        row -> new Erasure(row.getString(1), Instant.ofEpochMilli(row.getLong(2))));
  }

  /** Removes a finished erasure, unless it has been requested again. */
  static int erased(Connection connection, Erasure erasure) throws SQLException {
    return Jdbc.update(
        connection,
        "delete from conversation_erasure where email = ? and asked_at = ?",
        erasure.email(),
        erasure.askedAt().toEpochMilli());
  }

  private static List<Conversation> conversations(
      Connection connection, String conditions, Object... parameters) throws SQLException {
    return Jdbc.list(
        connection,
        SELECT + conditions,
        row -> {
          String status = row.getString(5);
          return new Conversation(
              row.getString(1),
              Instant.ofEpochMilli(row.getLong(2)),
              row.getString(3),
              row.getString(4),
              status == null ? null : Status.valueOf(status),
              row.getString(6),
              row.getString(7),
              row.getLong(8),
              row.getLong(9));
        },
        parameters);
  }
}
