package dev.llmproxy.ledger;

import dev.llmproxy.PostgresServer;

class PostgresUsageStatisticsTest extends UsageStatisticsTest {
  private final String url = PostgresServer.shared().newDatabase();

  @Override
  LedgerStore store() {
    return new PostgresStore(url, false);
  }
}
