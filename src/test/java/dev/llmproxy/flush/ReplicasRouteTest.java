package dev.llmproxy.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.llmproxy.Gateway;
import dev.llmproxy.PostgresServer;
import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Settings;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerStore;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several servers with one ledger in PostgreSQL and one workbook. */
class ReplicasRouteTest {
  private static final String EMAIL = "shared@example.com";

  @TempDir private Path folder;
  private EmbeddedWorkbook workbook;
  private Map<String, String> settings;

  @BeforeEach
  void open() throws IOException {
    workbook = EmbeddedWorkbook.open(folder.resolve("workbook"), 0);
    settings =
        Map.of(
            "DATABASE_URL", PostgresServer.shared().newDatabase(),
            "SHEETS_ROOT_URL", workbook.rootUrl(),
            "SHEETS_COMMIT_WAIT_SECONDS", "1");
  }

  @AfterEach
  void close() {
    workbook.close();
  }

  @Test
  void oneReplicaAtATimeWritesTheRecordsOfAll() throws SQLException {
    try (Gateway first = Gateway.start(folder.resolve("first"), settings);
        Gateway second = Gateway.start(folder.resolve("second"), settings)) {
      String key = first.createKey(EMAIL);
      second.awaitKnown(key, true);
      int rows = 0;
      for (int round = 0; round < 5; round++) {
        serve(key, 6, first, second);
        rows += 12;
        // The lock ends with the session, so either replica may get it next, at any step.
        endSessionOfTheWriter();
      }
      awaitRows(first, rows);
      await()
          .until(() -> first.application().ledger().lead() != second.application().ledger().lead());
    }
  }

  @Test
  void formerWriterSendsNothing() throws SQLException {
    try (Gateway gateway = Gateway.start(folder.resolve("only"), settings)) {
      await().until(() -> gateway.application().ledger().lead());
      LedgerStore store = LedgerStore.of(gateway.settings());
      addServer(store, "stand-in");
      assertThat(store.lead("stand-in")).isFalse();

      gateway.stop();
      assertThat(store.lead("stand-in")).isTrue();
      gateway.start();
      String key = gateway.createKey(EMAIL);
      serve(key, 3, gateway);
      gateway.awaitRecords(3);
      await()
          .during(Duration.ofSeconds(3))
          .until(() -> gateway.sheet("shared_at_example_dot_com").isEmpty());

      store.release();
      awaitRows(gateway, 3);
    }
  }

  @Test
  void writerThatHangsIsReplacedAndCanSendNothingAfterwards() throws SQLException {
    try (Gateway gateway = Gateway.start(folder.resolve("only"), settings)) {
      LedgerStore hanging = LedgerStore.of(gateway.settings());
      gateway.stop();
      addServer(hanging, "hanging");
      assertThat(hanging.lead("hanging")).isTrue();
      gateway.start();
      Ledger ledger = gateway.application().ledger();
      await().until(() -> ledger.writer().equals(Optional.of("hanging")));
      assertThat(ledger.lead()).isFalse();

      // As the others do when its lease has ended.
      try (Connection connection = hanging.writing()) {
        Jdbc.update(connection, "delete from instance where id = 'hanging'");
        connection.commit();
      }
      await().until(ledger::lead);
      assertThat(ledger.writer())
          .hasValueSatisfying(writer -> assertThat(ledger.isThis(writer)).isTrue());
      assertThat(hanging.leads()).isFalse();
      hanging.release();
    }
  }

  private static void addServer(LedgerStore store, String id) throws SQLException {
    try (Connection connection = store.writing()) {
      Jdbc.update(
          connection, "insert into instance (id, renewed_at) values (?, " + store.now() + ")", id);
      connection.commit();
    }
  }

  private void endSessionOfTheWriter() throws SQLException {
    try (Connection connection = LedgerStore.of(Settings.load(Path.of(""), settings)).reading();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
              + " and database = (select oid from pg_database where datname = current_database())");
    }
  }

  private static void serve(String key, int requests, Gateway... gateways) {
    for (int i = 0; i < requests; i++) {
      for (Gateway gateway : gateways) {
        assertThat(gateway.chat(key, "openai/scripted", false, "hi").statusCode()).isEqualTo(200);
      }
    }
  }

  /**
   * Each record is in the user's sheet once, and the key's counter is equal to the number of
   * records.
   */
  private static void awaitRows(Gateway gateway, int rows) {
    await()
        .untilAsserted(() -> {
          List<UsageRecord> records = gateway.application().ledger().after(0, 1000);
          List<List<Object>> sheet = gateway.sheet("shared_at_example_dot_com");
          assertThat(records).hasSize(rows);
          assertThat(sheet.stream().skip(1).map(row -> row.get(10)).toList())
              .containsExactlyInAnyOrderElementsOf(
                  records.stream().<Object>map(UsageRecord::requestId).toList());
          assertThat(new ApiKeySheet(gateway.sheet(ApiKeySheet.TITLE)).rows().get(0).requests())
              .isEqualTo(rows);
        });
  }
}
