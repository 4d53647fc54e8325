package dev.llmproxy.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.llmproxy.gate.Caller;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a ledger promises, on whichever database it lives. */
abstract class LedgerTest {
  static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
  static final Caller CALLER = new Caller("a@example.com", "Key", "00ff", "free");

  /** The store of one and the same new ledger, as another process would make it. */
  abstract LedgerStore store();

  final Ledger open() {
    return Ledger.open(store(), Duration.ofSeconds(30));
  }

  @Test
  void keepsWhatWasSettledExactly() {
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
                  new BigDecimal("0.000000123456"),
                  1500,
                  Status.SUCCESS));
    }
  }

  @Test
  void aRequestUnderWayWhenTheProcessDiedIsInterruptedAtTheNextStart() {
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
  void aRequestIsAdmittedOnceAndItsRepetitionHarmsNobodyElse() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("r1"));

      assertThatThrownBy(() -> ledger.admit(admission("r1"))).isInstanceOf(LedgerException.class);
      ledger.admit(admission("r2"));
      assertThat(ledger.settle(settlement("r2", Status.SUCCESS, null))).isTrue();
    }
  }

  @Test
  void keepsItsIdentity() {
    UUID id;
    try (Ledger ledger = open()) {
      id = ledger.id();
    }
    try (Ledger ledger = open()) {
      assertThat(ledger.id()).isEqualTo(id);
    }
  }

  @Test
  void aRequestUnderWayIsInterruptedWithWhatItsLastCheckpointSays() {
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
                  new BigDecimal("0.000000000107"),
                  Duration.ofMillis(900))));
      ledger.checkpoint(
          List.of(
              new Checkpoint(
                  "streaming",
                  new TokenCount(8, 200),
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
              UsageRecord::cost,
              UsageRecord::durationMillis)
          .containsExactly(
              tuple("admitted", Status.INTERRUPTED, 7L, 0L, new BigDecimal("0.000000000007"), 0L),
              tuple(
                  "streaming",
                  Status.INTERRUPTED,
                  8L,
                  200L,
                  new BigDecimal("0.000000000208"),
                  1900L));
    }
  }

  @Test
  void aCheckpointThatComesLateChangesNothing() {
    try (Ledger ledger = open()) {
      ledger.admit(admission("r1"));
      ledger.settle(settlement("r1", Status.SUCCESS, BigDecimal.ONE));
      ledger.checkpoint(
          List.of(new Checkpoint("r1", new TokenCount(1, 1), null, Duration.ofMillis(1))));

      assertThat(ledger.after(0, 10))
          .singleElement()
          .satisfies(record -> {
            assertThat(record.tokensOut()).isEqualTo(9);
            assertThat(record.cost()).isEqualByComparingTo("1");
            assertThat(record.durationMillis()).isEqualTo(1500);
          });
    }
  }

  @Test
  void whatClientsWriteAsAModelHarmsNobody() {
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
  void statementsThatFailFailTheirCallerAlone() throws Exception {
    try (Ledger ledger = open();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      ledger.giveSheetTitle("a@example.com", "taken");
      List<java.util.concurrent.Future<?>> others = new java.util.ArrayList<>();
      for (int i = 0; i < 200; i++) {
        String request = "r" + i;
        others.add(
            threads.submit(() -> {
              ledger.admit(admission(request));
              assertThatThrownBy(() -> ledger.giveSheetTitle(request, "taken"))
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
  void manyWritersAtOnceLoseNothing() {
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
            assertThat(total.tokensIn()).isEqualTo(14);
            assertThat(total.cost()).isEqualByComparingTo("0.2");
          });
      assertThat(Ledger.totals(store(), NOON.plusSeconds(1))).isEmpty();
    }
  }

  private static String request(String model) {
    return "r" + model.length();
  }

  static Admission admission(String requestId) {
    return new Admission(requestId, NOON, CALLER, "chat", "openai/x", "rest-api");
  }

  static Settlement settlement(String requestId, Status status, BigDecimal cost) {
    return new Settlement(requestId, status, 7, 9, cost, Duration.ofMillis(1500));
  }
}
