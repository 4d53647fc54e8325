package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SqliteLedgerTest extends LedgerTest {
  @TempDir private Path folder;

  @Override
  LedgerStore store() {
    return new SqliteStore(folder, false);
  }

  @Test
  void secondServerOnTheFolderIsRefused() {
    try (Ledger ledger = open()) {
      assertThatThrownBy(this::open)
          .isInstanceOf(LedgerException.class)
          .hasMessageContaining("Another llmproxy is running");
      ledger.admit(admission("r1"));
    }
  }

  @Test
  void fileThatIsNotALedgerIsReported() throws IOException {
    Files.writeString(folder.resolve("ledger.db"), "what is this? ".repeat(1000));

    assertThatThrownBy(this::open)
        .isInstanceOf(LedgerException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining("not a database");
  }

  @Test
  void ledgerOfTheFirstReleaseIsMigrated() throws SQLException {
    String url = "jdbc:sqlite:" + folder.resolve("ledger.db");
    Flyway.configure()
        .dataSource(url, null, null)
        .locations("classpath:db/migration")
        .target("1")
        .load()
        .migrate();
    try (Connection connection = DriverManager.getConnection(url)) {
      Statement statement = connection.createStatement();
      statement.execute(
          "insert into ledger (uuid) values ('6f1f2a3e-0000-4000-8000-000000000001')");
      statement.execute(
          "insert into request (request_id, admitted_at, email, key_hash, type, model, provider, sequence, status,"
              + " duration_ms) values ('old', 1, 'a@b.c', '00', 'chat', 'm', 'rest-api', 41, 'SUCCESS', 1)");
      statement.execute(
          "insert into request (request_id, admitted_at, email, key_hash, type, model, provider)"
              + " values ('under way', 2, 'a@b.c', '00', 'chat', 'm', 'rest-api')");
    }

    try (Ledger ledger = open()) {
      assertThat(ledger.id()).hasToString("6f1f2a3e-0000-4000-8000-000000000001");
      assertThat(ledger.after(40, 10))
          .extracting(UsageRecord::requestId, UsageRecord::sequence, UsageRecord::status)
          .containsExactly(
              tuple("old", 41L, Status.SUCCESS), tuple("under way", 42L, Status.INTERRUPTED));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "LLMPROXY_FSYNC, sometimes, must be normal or full",
    "DATABASE_URL, mysql://h/d, is wrong"
  })
  void invalidSettingIsNamed(String name, String value, String said) {
    Settings settings = Settings.load(Path.of(""), Map.of(name, value));

    assertThatThrownBy(() -> LedgerStore.of(settings))
        .isInstanceOf(Settings.SettingException.class)
        .hasMessageContaining(name)
        .hasMessageContaining(said);
  }

  @Test
  void durabilityFollowsTheSetting() {
    try (Ledger ledger = Ledger.open(new SqliteStore(folder, true), Duration.ofSeconds(30))) {
      assertThat(pragma(ledger, "synchronous")).isEqualTo(2);
    }
    try (Ledger ledger = open()) {
      assertThat(pragma(ledger, "synchronous")).isEqualTo(1);
    }
  }

  @Test
  void foreignLockIsReportedWithinSecondsAndServiceResumes() throws SQLException {
    try (Ledger ledger = open()) {
      // The limit is in milliseconds; SQLite's and JDBC's own waits are longer.
      assertThat(pragma(ledger, "busy_timeout")).isBetween(100, 1000);
      ledger.admit(admission("before"));
      try (Connection other =
          DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("ledger.db"))) {
        other.createStatement().execute("begin exclusive");
        assertThatThrownBy(() -> ledger.admit(admission("during")))
            .isInstanceOf(LedgerException.class)
            .hasMessageContaining("locked");
        assertThatThrownBy(() -> ledger.settle(settlement("before", Status.SUCCESS, null)))
            .isInstanceOf(LedgerException.class);
        assertThat(ledger.after(0, 10)).isEmpty();
        other.createStatement().execute("rollback");
      }

      ledger.admit(admission("during"));
      assertThat(ledger.settle(settlement("before", Status.SUCCESS, null))).isTrue();
      assertThat(ledger.settle(settlement("during", Status.SUCCESS, null))).isTrue();
    }
  }

  @Test
  void fullDiskIsReportedAndServiceResumesWithFreeSpace() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    Assumptions.assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString()) == 0,
        "may mount a small disk");
    try (Ledger ledger = Ledger.open(new SqliteStore(disk, false), Duration.ofSeconds(30))) {
      ledger.admit(admission("before"));
      Path filler = disk.resolve("filler");
      fill(filler);
      int admitted = 0;
      LedgerException refused = null;
      while (refused == null) {
        try {
          ledger.admit(admission("full" + admitted));
          admitted++;
        } catch (LedgerException e) {
          refused = e;
        }
        assertThat(admitted).isLessThan(100_000);
      }
      assertThat(refused).hasMessageContaining("full");
      assertThat(refused.outcomeUnknown()).as("whether it may have been recorded").isFalse();

      Files.delete(filler);
      Awaitility.await()
          .ignoreExceptions()
          .until(() -> ledger.settle(settlement("before", Status.SUCCESS, null)));
      for (int i = 0; i < admitted; i++) {
        assertThat(ledger.settle(settlement("full" + i, Status.SUCCESS, null))).isTrue();
      }
      ledger.admit(admission("full" + admitted));
    } finally {
      run("umount", disk.toString());
    }
  }

  private static int pragma(Ledger ledger, String name) {
    return ledger.write(connection -> {
      try (var row = connection.createStatement().executeQuery("pragma " + name)) {
        return row.getInt(1);
      }
    });
  }

  private static void fill(Path file) throws IOException {
    byte[] kilobytes = new byte[4096];
    try (var out = Files.newOutputStream(file)) {
      for (int i = 0; i < 1000; i++) {
        out.write(kilobytes);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }

  private static int run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
