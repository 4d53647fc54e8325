package dev.llmproxy.conversation;

import dev.llmproxy.PostgresServer;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;

/** The same tests with the ledger in PostgreSQL. */
class PostgresConversationRouteTest extends ConversationRouteTest {
  private String url;

  @BeforeEach
  void newDatabase() {
    url = PostgresServer.shared().newDatabase();
  }

  @Override
  Map<String, String> database() {
    return Map.of("DATABASE_URL", url);
  }
}
