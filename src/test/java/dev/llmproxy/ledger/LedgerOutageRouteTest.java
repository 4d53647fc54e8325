package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Gateway;
import dev.llmproxy.PostgresServer;
import dev.llmproxy.call.Status;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * While the ledger does not work, no request is served unrecorded and no served request is lost.
 */
class LedgerOutageRouteTest {
  private static final String LONG = "go [[script chunks=60 gap=50]]";

  @TempDir private Path data;

  @Test
  void requestsAreRefusedWhileAnotherProcessLocksTheFile() throws SQLException {
    try (Gateway gateway = Gateway.start(data)) {
      try (Connection other =
          DriverManager.getConnection("jdbc:sqlite:" + data.resolve("ledger.db"))) {
        outage(
            gateway,
            () -> other.createStatement().execute("begin exclusive"),
            () -> other.createStatement().execute("rollback"));
      }
    }
  }

  @Test
  void requestsAreRefusedWhilePostgresqlIsStopped() throws SQLException {
    PostgresServer server = PostgresServer.shared();
    try (Gateway gateway = Gateway.start(data, Map.of("DATABASE_URL", server.newDatabase()))) {
      outage(gateway, server::stop, server::start);
    }
  }

  private static void outage(Gateway gateway, Step begin, Step end) throws SQLException {
    String key = gateway.createKey("outage@example.com");
    CompletableFuture<HttpResponse<String>> stream =
        CompletableFuture.supplyAsync(() -> gateway.chat(key, "openai/scripted", true, LONG));
    Awaitility.await().until(() -> gateway.provider().accepted() > 0);

    begin.run();
    try {
      for (boolean streamed : List.of(false, true)) {
        HttpResponse<String> refused = gateway.chat(key, "openai/scripted", streamed, "hello");
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(refused.body()).contains("is not served unrecorded");
      }
      assertThat(gateway.provider().requests()).hasSize(1);
      assertThat(stream.join().body()).contains("word60").contains("[DONE]");
    } finally {
      end.run();
    }

    Awaitility.await()
        .until(() -> gateway.chat(key, "openai/scripted", false, "hello").statusCode() == 200);
    assertThat(gateway.awaitRecords(2))
        .allSatisfy(record -> assertThat(record.status()).isEqualTo(Status.SUCCESS))
        .anySatisfy(record -> assertThat(record.tokensOut()).isEqualTo(60));
  }

  private interface Step {
    void run() throws SQLException;
  }
}
