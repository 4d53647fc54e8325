package dev.llmproxy;

import java.util.Map;

class PostgresAdminUsageRouteTest extends AdminUsageRouteTest {
  private final String url = PostgresServer.shared().newDatabase();

  @Override
  Map<String, String> settings() {
    return Map.of("DATABASE_URL", url);
  }
}
