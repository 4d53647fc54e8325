package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.flush.FlushBook;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;

/** The guarantees of a ledger, for each database. */
public abstract class LedgerTest {
  public static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
  static final Caller CALLER = new Caller("a@example.com", "Key", "00ff", "free");

  /** The store of the same new ledger on each call, as another process would open it. */
  abstract LedgerStore store();

  final Ledger open() {
    return Ledger.open(store(), Duration.ofSeconds(30));
  }

  @Test
  void settledRecordsAreStoredExactly() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("r1"));
      ledger.settle(settlement("r1", Status.SUCCESS, new BigDecimal("0.000000123456")));

      assertThat(ledger.after(0, 10))
          .containsExactly(
              new UsageRecord(
                  1,
                  "r1",
                  NOON,
                  "a@example.com",
                  "00ff",
                  "chat",
                  "openai/x",
                  "rest-api",
                  7,
                  9,
                  3,
                  2,
                  new BigDecimal("0.000000123456"),
                  1500,
                  Status.SUCCESS));
    }
  }

  @Test
  void requestRunningAtAKillIsInterruptedAtTheNextStart() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("done"));
      ledger.settle(settlement("done", Status.SUCCESS, null));
      ledger.admit(admission("under way"));
    }

    try (Ledger ledger = open()) {
      assertThat(ledger.after(0, 10))
          .extracting(UsageRecord::requestId, UsageRecord::status)
          .containsExactly(tuple("done", Status.SUCCESS), tuple("under way", Status.INTERRUPTED));
    }
  }

  @Test
  void onlyTheFirstSettlementCounts() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("r1"));

      assertThat(ledger.settle(settlement("r1", Status.ERROR, null))).isTrue();
      assertThat(ledger.settle(settlement("r1", Status.SUCCESS, null))).isFalse();
      assertThat(ledger.after(0, 10))
          .singleElement()
          .extracting(UsageRecord::status)
          .isEqualTo(Status.ERROR);
    }
  }

  @Test
  void repeatedAdmissionFailsAlone() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("r1"));

      assertThatThrownBy(() -> ledger.admit(admission("r1"))).isInstanceOf(LedgerException.class);
      ledger.admit(admission("r2"));
      assertThat(ledger.settle(settlement("r2", Status.SUCCESS, null))).isTrue();
    }
  }

  @Test
  void identityStaysTheSameAfterReopening() {
    UUID id;
    try (Ledger ledger = open()) {
      id = ledger.id();
    }
    try (Ledger ledger = open()) {
      assertThat(ledger.id()).isEqualTo(id);
    }
  }

  @Test
  void interruptedRequestHasTheUsageOfItsLastCheckpoint() {
    try (Ledger ledger = open()) {
      ledger.admit(
          new Admission(
              "admitted",
              NOON,
              CALLER,
              "chat",
              "openai/x",
              "rest-api",
              new TokenCount(7, 0),
              new BigDecimal("0.000000000007")));
      ledger.admit(admission("streaming"));
      ledger.checkpoint(
          List.of(
              new Checkpoint(
                  "streaming",
                  new TokenCount(7, 100),
                  1,
                  0,
                  new BigDecimal("0.000000000107"),
                  Duration.ofMillis(900))));
      ledger.checkpoint(
          List.of(
              new Checkpoint(
                  "streaming",
                  new TokenCount(8, 200),
                  3,
                  2,
                  new BigDecimal("0.000000000208"),
                  Duration.ofMillis(1900))));
      assertThat(ledger.after(0, 10)).isEmpty();
    }

    try (Ledger ledger = open()) {
      assertThat(ledger.after(0, 10))
          .extracting(
              UsageRecord::requestId,
              UsageRecord::status,
              UsageRecord::tokensIn,
              UsageRecord::tokensOut,
              UsageRecord::turns,
              UsageRecord::toolCalls,
              UsageRecord::cost,
              UsageRecord::durationMillis)
          .containsExactly(
              tuple(
                  "admitted",
                  Status.INTERRUPTED,
                  7L,
                  0L,
                  1,
                  0,
                  new BigDecimal("0.000000000007"),
                  0L),
              tuple(
                  "streaming",
                  Status.INTERRUPTED,
                  8L,
                  200L,
                  3,
                  2,
                  new BigDecimal("0.000000000208"),
                  1900L));
    }
  }

  @Test
  void lateCheckpointChangesNothing() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("r1"));
      ledger.settle(settlement("r1", Status.SUCCESS, BigDecimal.ONE));
      ledger.checkpoint(
          List.of(new Checkpoint("r1", new TokenCount(1, 1), 1, 0, null, Duration.ofMillis(1))));

      assertThat(ledger.after(0, 10))
          .singleElement()
          .satisfies(record -> {
            assertThat(record.tokensOut()).isEqualTo(9);
            assertThat(record.turns()).isEqualTo(3);
            assertThat(record.toolCalls()).isEqualTo(2);
            assertThat(record.cost()).isEqualByComparingTo("1");
            assertThat(record.durationMillis()).isEqualTo(1500);
          });
    }
  }

  @Test
  void oddModelIdsFromClientsFailNoOtherRequest() {
    try (Ledger ledger = open()) {
      for (String model :
          List.of("openai/" + "\uD83D\uDE00".repeat(300), "openai/a\0b", "openai/\uD800")) {
        ledger.admit(new Admission(request(model), NOON, CALLER, "chat", model, "rest-api"));
        ledger.settle(settlement(request(model), Status.SUCCESS, null));
      }

      assertThat(ledger.after(0, 10)).hasSize(3);
    }
  }

  @Test
  void failingStatementsFailOnlyTheirCaller() throws Exception {
    try (Ledger ledger = open();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      ledger.assignSheetTitle("a@example.com", "taken");
      List<java.util.concurrent.Future<?>> others = new java.util.ArrayList<>();
      for (int i = 0; i < 200; i++) {
        String request = "r" + i;
        others.add(
            threads.submit(() -> {
              ledger.admit(admission(request));
              assertThatThrownBy(() -> ledger.assignSheetTitle(request, "taken"))
                  .isInstanceOf(LedgerException.class);
              assertThat(ledger.settle(settlement(request, Status.SUCCESS, null))).isTrue();
            }));
      }
      for (var other : others) {
        other.get();
      }
      assertThat(ledger.after(0, 1000)).hasSize(200);
      assertThat(ledger.sheetTitle("a@example.com")).contains("taken");
    }
  }

  @Test
  void concurrentWritersLoseNothing() {
    int requests = 2000;
    try (Ledger ledger = open()) {
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        IntStream.range(0, requests)
            .forEach(number ->
                threads.execute(() -> {
                  ledger.admit(admission("r" + number));
                  ledger.settle(settlement("r" + number, Status.SUCCESS, null));
                }));
      }

      List<UsageRecord> records = ledger.after(0, requests + 1);
      assertThat(records).hasSize(requests);
      assertThat(records).extracting(UsageRecord::sequence).doesNotHaveDuplicates().isSorted();
      assertThat(ledger.lastSequence()).isEqualTo(requests);
    }
  }

  @Test
  void totalsAreReadWhileTheLedgerIsOpen() {
    try (Ledger ledger = open()) {
      for (String request : List.of("r1", "r2")) {
        ledger.admit(admission(request));
        ledger.settle(settlement(request, Status.SUCCESS, new BigDecimal("0.1")));
      }

      assertThat(Ledger.totals(store(), Instant.EPOCH))
          .singleElement()
          .satisfies(total -> {
            assertThat(total.requests()).isEqualTo(2);
            assertThat(total.turns()).isEqualTo(6);
            assertThat(total.toolCalls()).isEqualTo(4);
            assertThat(total.tokensIn()).isEqualTo(14);
            assertThat(total.cost()).isEqualByComparingTo("0.2");
          });
      assertThat(Ledger.totals(store(), NOON.plusSeconds(1))).isEmpty();
    }
  }

  @Test
  void ledgerWithoutTurnsIsMigratedToOneTurnPerRequest() throws SQLException {
    Flyway.configure()
        .dataSource(store().migrating())
        .locations("classpath:db/migration")
        .target("4")
        .load()
        .migrate();
    try (Connection connection = store().migrating().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "insert into ledger (uuid, last_sequence) values ('6f1f2a3e-0000-4000-8000-000000000001', 2)");
      for (int sequence : List.of(1, 2)) {
        statement.execute(
            "insert into request (request_id, admitted_at, email, key_hash, type, model, provider, sequence, status,"
                + " tokens_in, tokens_out, duration_ms) values ('old %d', 1, 'a@example.com', '00', 'chat', 'openai/x',"
                    .formatted(sequence)
                + " 'rest-api', %d, 'SUCCESS', 7, 9, 1)".formatted(sequence));
      }
      statement.execute(
          "insert into request (request_id, admitted_at, email, key_hash, type, model, provider, tokens_in, tokens_out,"
              + " duration_ms) values ('under way', 2, 'a@example.com', '00', 'chat', 'openai/x', 'rest-api', 7, 5, 1)");
    }
    assertThat(Ledger.totals(store(), Instant.EPOCH))
        .as("totals before a server has opened the ledger")
        .containsExactly(
            new UsageTotal(
                "a@example.com", "openai/x", 2, 2, 0, 14, 18, new BigDecimal("0E-12"), 2));

    try (Ledger ledger = open()) {
      // A ledger that is not shared has done this on opening.
      ledger.write(connection -> RequestTable.interrupt(connection, null));
      ledger.admit(admission("new"));
      ledger.settle(settlement("new", Status.SUCCESS, null));

      assertThat(ledger.after(0, 10))
          .extracting(UsageRecord::requestId, UsageRecord::turns, UsageRecord::toolCalls)
          .containsExactly(
              tuple("old 1", 1, 0),
              tuple("old 2", 1, 0),
              tuple("under way", 1, 0),
              tuple("new", 3, 2));
      assertThat(Ledger.totals(store(), Instant.EPOCH))
          .containsExactly(
              new UsageTotal(
                  "a@example.com", "openai/x", 4, 6, 2, 28, 32, new BigDecimal("0E-12"), 4));
    }
  }

  @Test
  void hugeCountsOfOneUserLeaveOtherSumsExact() {
    BigDecimal ten = new BigDecimal("10.000000000001");
    try (Ledger ledger = open()) {
      for (String request : List.of("r1", "r2", "r3")) {
        ledger.admit(admission(request));
        ledger.checkpoint(
            List.of(
                new Checkpoint(
                    request,
                    new TokenCount(Long.MAX_VALUE, -1),
                    1,
                    0,
                    new BigDecimal("1e30"),
                    Duration.ZERO)));
        ledger.settle(absurd(request));
      }
      ledger.admit(admission("normal", "openai/normal"));
      ledger.settle(settlement("normal", Status.SUCCESS, ten));

      assertThat(ledger.after(0, 10))
          .extracting(UsageRecord::tokensIn, UsageRecord::tokensOut, UsageRecord::cost)
          .startsWith(tuple(Long.MAX_VALUE, 0L, new BigDecimal("9223372.036854775807")))
          .endsWith(tuple(7L, 9L, ten));
      assertThat(Ledger.totals(store(), Instant.EPOCH))
          .extracting(UsageTotal::model, UsageTotal::tokensIn, UsageTotal::cost)
          .containsExactly(
              tuple("openai/normal", 7L, ten),
              tuple("openai/x", Long.MAX_VALUE, new BigDecimal("27670116.110564327421")));
    }
  }

  @Test
  void countersOfHugeCountsStopAtTheLargestValue() {
    try (Ledger ledger = open()) {
      FlushBook book = new FlushBook(ledger);
      for (int i = 1; i <= 3; i++) {
        ledger.admit(admission("r" + i));
        ledger.settle(absurd("r" + i));
        book.setCheckpoint(i, 0);
      }
      assertThat(book.keyCounts().get("00ff"))
          .isEqualTo(new FlushBook.KeyCount(3, Long.MAX_VALUE, NOON));

      // After an older workbook is restored, all records are counted at once.
      book.setCheckpoint(0, 0);
      book.setCheckpoint(3, 0);
      book.setBaseCounts(Map.of("00ff", new FlushBook.KeyCount(5, Long.MAX_VALUE, null)));
      assertThat(book.keyCounts().get("00ff"))
          .isEqualTo(new FlushBook.KeyCount(8, Long.MAX_VALUE, NOON));
    }
  }

  @Test
  void refusedRecordFailsAloneAndItsBatchIsWritten() throws Exception {
    int requests = 100;
    try (Ledger ledger = open()) {
      for (int i = 0; i < requests; i++) {
        ledger.admit(admission("r" + i));
      }
      ledger.write(connection ->
          connection
              .createStatement()
              .executeUpdate(
                  "create unique index two on request (tokens_out) where tokens_out > 9"));
      CountDownLatch submitted = new CountDownLatch(1);
      List<CompletableFuture<Boolean>> settled = new ArrayList<>();
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        // Occupies the writing thread, so that all other records arrive as one batch.
        threads.execute(() ->
            ledger.write(connection -> {
              awaitUninterruptibly(submitted);
              return null;
            }));
        for (int i = 0; i < requests; i++) {
          long tokens = i % 40 == 7 ? 666 : 9;
          settled.add(
              ledger.settleLater(
                  new Settlement(
                      "r" + i, Status.SUCCESS, 7, tokens, 1, 0, null, Duration.ofMillis(1))));
        }
        submitted.countDown();
      }

      // The requests 7, 47 and 87 have the same unique value; only the first one gets it.
      for (int i = 0; i < requests; i++) {
        CompletableFuture<Boolean> one = settled.get(i);
        if (i == 47 || i == 87) {
          assertThatThrownBy(() -> GroupCommit.await(one))
              .isInstanceOfSatisfying(LedgerException.class, e -> assertThat(e.refused()).isTrue());
        } else {
          assertThat(GroupCommit.await(one)).isTrue();
        }
      }
      assertThat(ledger.after(0, 1000))
          .hasSize(requests - 2)
          .extracting(UsageRecord::sequence)
          .doesNotHaveDuplicates();

      ledger.admit(admission("other"));
      ledger.checkpoint(
          List.of(
              new Checkpoint("r47", new TokenCount(7, 666), 1, 0, null, Duration.ofMillis(1)),
              new Checkpoint("other", new TokenCount(7, 8), 1, 0, null, Duration.ofMillis(1))));
      ledger.write(connection -> RequestTable.interrupt(connection, null));
      assertThat(ledger.after(0, 1000))
          .filteredOn(record -> record.status() == Status.INTERRUPTED)
          .extracting(UsageRecord::requestId, UsageRecord::tokensOut)
          .containsExactlyInAnyOrder(tuple("r47", 0L), tuple("r87", 0L), tuple("other", 8L));
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Settlement absurd(String requestId) {
    return new Settlement(
        requestId,
        Status.SUCCESS,
        Long.MAX_VALUE,
        -1,
        1,
        0,
        new BigDecimal("1e30"),
        Duration.ofMillis(1500));
  }

  private static String request(String model) {
    return "r" + model.length();
  }

  public static Admission admission(String requestId) {
    return admission(requestId, "openai/x");
  }

  private static Admission admission(String requestId, String model) {
    return new Admission(requestId, NOON, CALLER, "chat", model, "rest-api");
  }

  static Settlement settlement(String requestId, Status status, BigDecimal cost) {
    return new Settlement(requestId, status, 7, 9, 3, 2, cost, Duration.ofMillis(1500));
  }
}
