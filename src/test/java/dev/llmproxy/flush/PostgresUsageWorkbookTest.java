package dev.llmproxy.flush;

import dev.llmproxy.PostgresServer;
import org.junit.jupiter.api.BeforeEach;

/** The same tests with the ledger in PostgreSQL. */
class PostgresUsageWorkbookTest extends UsageWorkbookTest {
  @BeforeEach
  void database() {
    settings.put("DATABASE_URL", PostgresServer.shared().newDatabase());
  }
}
