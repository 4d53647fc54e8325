package dev.llmproxy.ledger;

import dev.llmproxy.PostgresServer;

class PostgresUsageRollupTest extends UsageRollupTest {
  private final String url = PostgresServer.shared().newDatabase();

  @Override
  LedgerStore store() {
    return new PostgresStore(url, false);
  }
}
