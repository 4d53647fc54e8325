package dev.llmproxy.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.gate.Caller;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
  private static final Caller CALLER = new Caller("a@example.com", "Key", "00ff", "free");

  @TempDir private Path folder;

  @Test
  void keepsWhatWasSettledExactly() {
    try (Ledger ledger = Ledger.open(folder)) {
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
    try (Ledger ledger = Ledger.open(folder)) {
      ledger.admit(admission("done"));
      ledger.settle(settlement("done", Status.SUCCESS, null));
      ledger.admit(admission("under way"));
    }

    try (Ledger ledger = Ledger.open(folder)) {
      assertThat(ledger.after(0, 10))
          .extracting(UsageRecord::requestId, UsageRecord::status)
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple("done", Status.SUCCESS),
              org.assertj.core.groups.Tuple.tuple("under way", Status.INTERRUPTED));
    }
  }

  @Test
  void onlyTheFirstSettlementCounts() {
    try (Ledger ledger = Ledger.open(folder)) {
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
    try (Ledger ledger = Ledger.open(folder)) {
      ledger.admit(admission("r1"));

      assertThatThrownBy(() -> ledger.admit(admission("r1"))).isInstanceOf(LedgerException.class);
      ledger.admit(admission("r2"));
      assertThat(ledger.settle(settlement("r2", Status.SUCCESS, null))).isTrue();
    }
  }

  @Test
  void keepsItsIdentityAndASecondOpenerIsRefused() {
    UUID id;
    try (Ledger ledger = Ledger.open(folder)) {
      id = ledger.id();
      assertThatThrownBy(() -> Ledger.open(folder))
          .isInstanceOf(LedgerException.class)
          .hasMessageContaining("Another llmproxy is running");
    }
    try (Ledger ledger = Ledger.open(folder)) {
      assertThat(ledger.id()).isEqualTo(id);
    }
  }

  @Test
  void manyWritersAtOnceLoseNothing() {
    int requests = 2000;
    try (Ledger ledger = Ledger.open(folder)) {
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
    try (Ledger ledger = Ledger.open(folder)) {
      for (String request : List.of("r1", "r2")) {
        ledger.admit(admission(request));
        ledger.settle(settlement(request, Status.SUCCESS, new BigDecimal("0.1")));
      }

      assertThat(Ledger.totals(folder, Instant.EPOCH))
          .singleElement()
          .satisfies(total -> {
            assertThat(total.requests()).isEqualTo(2);
            assertThat(total.tokensIn()).isEqualTo(14);
            assertThat(total.cost()).isEqualByComparingTo("0.2");
          });
      assertThat(Ledger.totals(folder, NOON.plusSeconds(1))).isEmpty();
    }
  }

  private static Admission admission(String requestId) {
    return new Admission(requestId, NOON, CALLER, "chat", "openai/x", "rest-api");
  }

  private static Settlement settlement(String requestId, Status status, BigDecimal cost) {
    return new Settlement(requestId, status, 7, 9, cost, Duration.ofMillis(1500));
  }
}
