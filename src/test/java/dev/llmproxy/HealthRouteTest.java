package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The routes of /health, on the port of the API and on a port of their own. */
class HealthRouteTest {
  private static Gateway gateway;
  private static Gateway managed;

  @TempDir private static Path data;

  @BeforeAll
  static void start() {
    gateway = Gateway.start(data.resolve("a"), Map.of("LLMPROXY_ADMINS", "root@example.com"));
    managed =
        Gateway.start(
            data.resolve("b"),
            Map.of("LLMPROXY_ADMINS", "root@example.com", "MANAGEMENT_PORT", "0"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    managed.close();
  }

  @Wire("16.live")
  @Test
  void processThatAnswersIsLiveOnBothPorts() {
    for (HttpResponse<String> answer :
        List.of(
            gateway.get("/health/live", null),
            managed.get("/health/live", null),
            managed.getManagement("/health/live"))) {
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).isEqualTo("{\"status\":\"live\"}");
      assertThat(answer.headers().firstValue("content-type")).hasValue("application/json");
      assertThat(answer.headers().firstValue("cache-control")).hasValue("no-store");
    }
  }

  @Wire("16.ready")
  @Test
  void serverWithKeysAndLedgerIsReadyOnBothPorts() {
    assertThat(gateway.get("/health/ready", null).body()).isEqualTo("{\"status\":\"ready\"}");
    assertThat(managed.get("/health/ready", null).statusCode()).isEqualTo(200);
    assertThat(managed.getManagement("/health/ready").statusCode()).isEqualTo(200);
  }

  @Wire("16.ready")
  @Test
  void serverWithoutKeysIsNotReadyUntilTheSheetCanBeRead(@TempDir Path own) {
    Map<String, String> settings =
        Map.of("SHEETS_ROOT_URL", "http://127.0.0.1:1/", "KEYS_SNAPSHOT_HOURS", "0");
    try (Gateway unread = Gateway.startUnread(own, settings)) {
      HttpResponse<String> answer = unread.get("/health/ready", null);

      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.body())
          .isEqualTo(
              "{\"status\":\"unready\",\"reasons\":[{\"check\":\"keys\",\"reason\":\"The API keys have not been read yet.\"}]}");
      assertThat(unread.get("/health/live", null).statusCode()).isEqualTo(200);
    }
  }

  @Wire("16.ready")
  @Test
  void providerThatIsDownDoesNotMakeTheServerUnready() {
    String key = gateway.createKey("down@example.com");
    gateway.chat(key, "openai/scripted-down", false, "Hi");

    assertThat(gateway.get("/health/ready", null).statusCode()).isEqualTo(200);
  }

  @Wire("16.details")
  @Test
  void onlyTheKeyOfAnAdministratorGetsTheStateOfTheServer() {
    String admin = gateway.createKey("root@example.com");
    String other = gateway.createKey("ann@example.com");

    JsonNode server = Gateway.json(gateway.get("/health", admin)).path("server");

    assertThat(server.path("version").asText()).isNotEmpty();
    assertThat(server.path("keys").path("usable").asBoolean()).isTrue();
    assertThat(server.path("keys").path("age_seconds").asInt(-1)).isBetween(0, 60);
    assertThat(server.path("ledger").path("works").asBoolean()).isTrue();
    assertThat(server.path("flush").path("writes_here").isBoolean()).isTrue();
    assertThat(Gateway.json(gateway.get("/health", other)).has("server")).isFalse();
    assertThat(gateway.get("/health", null).body()).isEqualTo("{\"status\":\"ok\"}");
  }

  @Wire("16.management")
  @Test
  void withAPortOfItsOwnTheStateOfTheServerIsThereAlone() {
    String admin = managed.createKey("root@example.com");

    assertThat(
            Gateway.json(managed.getManagement("/health")).path("server").path("version").asText())
        .isNotEmpty();
    JsonNode main = Gateway.json(managed.get("/health", admin));
    assertThat(main.has("server")).isFalse();
    assertThat(main.has("models")).isTrue();
  }

  @Wire("16.management")
  @Test
  void managementPortServesNothingElse() {
    for (String path : new String[] {"/v1/models", "/openapi.json", "/admin/", "/healthy", "/"}) {
      assertThat(managed.getManagement(path).statusCode()).as(path).isEqualTo(404);
    }
  }

  @Wire("16.ready")
  @Test
  void serverWhoseLedgerCannotBeWrittenIsNotReadyUntilItWorksAgain() throws SQLException {
    String key = gateway.createKey("ledger@example.com");
    try (Connection ledger =
            DriverManager.getConnection("jdbc:sqlite:" + data.resolve("a/ledger.db"));
        Statement statement = ledger.createStatement()) {
      statement.execute(
          "create trigger full before update on ledger begin select raise(rollback, 'disk full'); end");
      gateway.chat(key, "openai/scripted", false, "Hi");

      HttpResponse<String> answer =
          Awaitility.await()
              .until(() -> gateway.get("/health/ready", null), ready -> ready.statusCode() == 503);

      assertThat(answer.body()).contains("\"check\":\"ledger\"");
      statement.execute("drop trigger full");
      Awaitility.await().until(() -> gateway.get("/health/ready", null).statusCode() == 200);
    }
  }
}
