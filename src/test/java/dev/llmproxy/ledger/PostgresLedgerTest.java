package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.PostgresServer;
import dev.llmproxy.base.Settings.SettingException;
import dev.llmproxy.call.Status;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PostgresLedgerTest extends LedgerTest {
  private static final Duration SHORT_LEASE = Duration.ofSeconds(1);

  private PostgresServer server;
  private String url;

  @BeforeEach
  void database() {
    server = PostgresServer.shared();
    url = server.newDatabase();
  }

  @Override
  LedgerStore store() {
    return new PostgresStore(url, false);
  }

  @Test
  void twoServersShareALedgerWithSequencesInCommitOrder() throws Exception {
    int requests = 500;
    try (Ledger one = open();
        Ledger other = open()) {
      assertThat(other.id()).isEqualTo(one.id());
      AtomicBoolean ended = new AtomicBoolean();
      try (var reader = Executors.newSingleThreadExecutor()) {
        // No record may appear before the last one that a reader has seen.
        var seen =
            reader.submit(() -> {
              long last = 0;
              int count = 0;
              while (!ended.get() || !one.after(last, 1).isEmpty()) {
                for (UsageRecord record : one.after(last, 10_000)) {
                  last = record.sequence();
                  count++;
                }
              }
              return count;
            });
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
          for (int i = 0; i < requests; i++) {
            for (Ledger ledger : List.of(one, other)) {
              String request = "r" + i + (ledger == one ? "a" : "b");
              threads.execute(() -> {
                ledger.admit(admission(request));
                ledger.settle(settlement(request, Status.SUCCESS, null));
              });
            }
          }
        }
        ended.set(true);
        assertThat(seen.get()).isEqualTo(2 * requests);
      }
      assertThat(one.after(0, 10_000))
          .extracting(UsageRecord::sequence)
          .doesNotHaveDuplicates()
          .last()
          .isEqualTo(2L * requests);
      one.renewLease();
      assertThat(one.lastSequence()).isEqualTo(2L * requests);
    }
  }

  @Test
  void onlyRequestsOfDeadServersAreInterrupted() {
    try (Ledger alive = Ledger.open(store(), SHORT_LEASE);
        Ledger silent = Ledger.open(store(), SHORT_LEASE)) {
      alive.admit(admission("alive"));
      silent.admit(admission("silent"));
      try (Ledger started = Ledger.open(store(), SHORT_LEASE)) {
        Awaitility.await()
            .pollInterval(Duration.ofMillis(100))
            .until(() -> {
              alive.renewLease();
              return started.settleInterrupted() == 1;
            });
        assertThat(started.after(0, 10))
            .singleElement()
            .satisfies(record -> {
              assertThat(record.requestId()).isEqualTo("silent");
              assertThat(record.status()).isEqualTo(Status.INTERRUPTED);
            });
      }

      assertThat(silent.settle(settlement("silent", Status.SUCCESS, null))).isFalse();
      assertThat(alive.settle(settlement("alive", Status.SUCCESS, null))).isTrue();
      // This server was taken for dead but is alive.
      silent.renewLease();
      silent.admit(admission("again"));
      assertThat(silent.settle(settlement("again", Status.SUCCESS, null))).isTrue();
    }
  }

  @Test
  void databaseOutageMakesNoServerCountAsDead() throws Exception {
    try (Ledger alive = Ledger.open(store(), SHORT_LEASE);
        Ledger other = Ledger.open(store(), SHORT_LEASE)) {
      alive.admit(admission("alive"));
      other.settleInterrupted();
      try {
        server.stop();
        assertThatThrownBy(other::settleInterrupted).isInstanceOf(LedgerException.class);
        // Longer than a lease; no server can renew its lease in that time.
        Thread.sleep(2 * SHORT_LEASE.toMillis());
      } finally {
        server.start();
      }

      Awaitility.await().ignoreExceptions().until(() -> other.settleInterrupted() == 0);
      alive.renewLease();
      assertThat(other.settleInterrupted()).isZero();
      assertThat(alive.settle(settlement("alive", Status.SUCCESS, null))).isTrue();
    }
  }

  @Test
  void databaseRestartWhileIdleFailsNoRequest() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("r1"));
      server.stop();
      server.start();

      assertThat(ledger.settle(settlement("r1", Status.SUCCESS, null))).isTrue();
      assertThat(ledger.after(0, 10)).hasSize(1);
    }
  }

  @Test
  void settledRecordsSurviveADatabaseCrashWithFullSync() {
    try (Ledger ledger = Ledger.open(new PostgresStore(url, true), Duration.ofSeconds(30))) {
      ledger.admit(admission("r1"));
      ledger.settle(settlement("r1", Status.SUCCESS, null));
      server.kill();
      try {
        assertThatThrownBy(() -> ledger.admit(admission("r2")))
            .isInstanceOf(LedgerException.class)
            .hasMessageNotContaining(PostgresServer.PASSWORD);
      } finally {
        server.start();
      }

      assertThat(ledger.after(0, 10)).hasSize(1);
      Awaitility.await().ignoreExceptions().untilAsserted(() -> ledger.admit(admission("r3")));
    }
  }

  @Test
  void durabilityFollowsTheSetting() {
    try (Ledger ledger = open();
        Ledger full = Ledger.open(new PostgresStore(url, true), Duration.ofSeconds(30))) {
      assertThat(synchronous(ledger)).isEqualTo("off");
      assertThat(synchronous(full)).isEqualTo("on");
    }
  }

  @Test
  void missingDatabaseIsReported() {
    url = server.url(PostgresServer.USER + ":s3cret%2B%26p%40ss", "nowhere");

    assertThatThrownBy(this::open)
        .isInstanceOf(LedgerException.class)
        .hasMessageContaining("127.0.0.1:" + server.port() + "/nowhere")
        .hasMessageContaining("there is no such database");
  }

  @Test
  void wrongPasswordIsReportedButNotRepeated() {
    url = server.url(PostgresServer.USER + ":mistaken", "postgres");

    assertThatThrownBy(this::open)
        .isInstanceOf(LedgerException.class)
        .hasMessageContaining("refuses this user or password")
        .hasMessageNotContaining("mistaken");
  }

  @Test
  void unreachableServerIsReported() {
    url = "postgresql://somebody:hidden@127.0.0.1:1/ledger";

    assertThatThrownBy(this::open)
        .isInstanceOf(LedgerException.class)
        .hasMessageContaining(
            "postgresql://127.0.0.1:1/ledger cannot be opened: it cannot be reached")
        .hasMessageNotContaining("hidden");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mysql://a:hidden@b/c",
        "postgres://a:hidden@h:port/c",
        "postgres://a:hidden%@h/c",
        "jdbc:postgresql://h/c?password=hidden%",
        "postgres://h/"
      })
  void invalidUrlIsReportedButNotRepeated(String wrong) {
    assertThatThrownBy(() -> new PostgresStore(wrong, false))
        .isInstanceOf(SettingException.class)
        .hasMessageContaining("DATABASE_URL is wrong")
        .hasMessageNotContaining("hidden")
        .hasNoCause();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "postgres://llmproxy:s3cret+&p@ss@127.0.0.1:%d/%s",
        "postgresql://llmproxy@127.0.0.1:%d/%s?password=s3cret%%2B%%26p%%40ss&sslmode=disable",
        "jdbc:postgresql://127.0.0.1:%d/%s?user=llmproxy&password=s3cret%%2B%%26p%%40ss"
      })
  void everyFormOfTheUrlIsAccepted(String form) {
    url = form.formatted(server.port(), PostgresServer.database(url));

    try (Ledger ledger = open()) {
      assertThat(ledger.after(0, 1)).isEmpty();
    }
    assertThat(store().name()).doesNotContain("s3cret");
  }

  @Test
  void databaseWithoutALedgerHasNoTotals() {
    assertThat(Ledger.totals(store(), NOON)).isEmpty();
  }

  private static String synchronous(Ledger ledger) {
    return ledger.write(connection -> {
      try (var row = connection.createStatement().executeQuery("show synchronous_commit")) {
        row.next();
        return row.getString(1);
      }
    });
  }
}
