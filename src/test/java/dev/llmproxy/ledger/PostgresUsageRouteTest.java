package dev.llmproxy.ledger;

import dev.llmproxy.PostgresServer;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;

/** The same tests with the ledger in PostgreSQL. */
class PostgresUsageRouteTest extends UsageRouteTest {
  private String url;

  @BeforeEach
  void database() {
    url = PostgresServer.shared().newDatabase();
  }

  @Override
  Map<String, String> settings() {
    return Map.of("DATABASE_URL", url);
  }
}
