package dev.llmproxy.conversation;

import dev.llmproxy.base.Settings;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.LedgerStore;
import dev.llmproxy.ledger.Statements;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** The conversations in a ledger that a server may have open. */
public final class ConversationArchive {
  private final LedgerStore store;

  /**
   * Opens nothing yet.
   *
   * @throws Settings.SettingException when a setting of the ledger is wrong
   */
  public ConversationArchive(Settings settings) {
    store = LedgerStore.of(settings);
  }

  /**
   * The conversations that began since then, newest first, at most {@code limit}.
   *
   * @param email null for all users
   * @throws LedgerException when the ledger cannot be read
   */
  public List<Conversation> list(String email, Instant since, int limit) {
    return read(connection -> ConversationTable.list(connection, email, since, limit));
  }

  /**
   * The stored conversation of a request; empty when there is none.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public Optional<Conversation> find(String requestId) {
    return read(connection -> ConversationTable.find(connection, requestId)).stream().findFirst();
  }

  /**
   * Deletes a user's stored conversations from the ledger. The server deletes them from the
   * workbook, now or when it next runs.
   *
   * @return the number of conversations deleted from the ledger
   * @throws LedgerException when they cannot be deleted
   */
  public int erase(String email) {
    try {
      Optional<Connection> inspecting = store.inspecting();
      if (inspecting.isEmpty()) {
        return 0;
      }
      try (Connection connection = inspecting.get()) {
        if (!hasConversations(connection)) {
          return 0;
        }
      }
      try (Connection connection = store.writing()) {
        int deleted = ConversationTable.erase(connection, email, Instant.now());
        connection.commit();
        return deleted;
      }
    } catch (SQLException e) {
      throw new LedgerException(
          "The conversations in the ledger "
              + store.name()
              + " cannot be deleted: "
              + store.reason(e),
          e);
    }
  }

  private List<Conversation> read(Statements<List<Conversation>> statements) {
    try {
      Optional<Connection> inspecting = store.inspecting();
      if (inspecting.isEmpty()) {
        return List.of();
      }
      try (Connection connection = inspecting.get()) {
        return hasConversations(connection) ? statements.run(connection) : List.of();
      }
    } catch (SQLException e) {
      throw new LedgerException(
          "The ledger " + store.name() + " cannot be read: " + store.reason(e), e);
    }
  }

  /** Whether the ledger has the table of conversations; an earlier release did not create it. */
  private static boolean hasConversations(Connection connection) throws SQLException {
    try (ResultSet table = connection.getMetaData().getTables(null, null, "conversation", null)) {
      return table.next();
    }
  }
}
