package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.LogLines;
import dev.llmproxy.MovedClock;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.chat.Usage;
import dev.llmproxy.error.ApiError;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UsageMeterTest {
  @TempDir private Path folder;
  private final MovedClock clock = new MovedClock(LedgerTest.NOON);

  @Test
  void requestWithToolsIsSettledOnceWithTurnsAndToolCalls() {
    try (Ledger ledger = Ledger.open(folder)) {
      try (UsageMeter meter = new UsageMeter(ledger, clock)) {
        ToolChat call = new ToolChat();
        meter.admit(call);
        call.turns = 3;
        call.toolCalls = 2;
        clock.move(Duration.ofMillis(1500));
        assertThat(meter.settle(call))
            .isEqualTo(
                new Settlement(
                    "r1",
                    null,
                    Status.SUCCESS,
                    7,
                    9,
                    3,
                    2,
                    null,
                    Duration.ofMillis(1500),
                    List.of()));
        assertThat(meter.settle(call)).isNull();
      }

      assertThat(awaitRecord(ledger))
          .satisfies(record -> {
            assertThat(record.status()).isEqualTo(Status.SUCCESS);
            assertThat(record.turns()).isEqualTo(3);
            assertThat(record.toolCalls()).isEqualTo(2);
          });
    }
  }

  @Test
  void requestWithoutTurnsCountsAsOneTurn() {
    try (Ledger ledger = Ledger.open(folder);
        UsageMeter meter = new UsageMeter(ledger, clock)) {
      PlainCall call = new PlainCall();
      meter.admit(call);
      meter.settle(call);

      assertThat(awaitRecord(ledger).turns()).isEqualTo(1);
      assertThat(awaitRecord(ledger).toolCalls()).isZero();
    }
  }

  @Test
  void checkpointedTurnsAndToolCallsAreRecordedWhenTheServerStops() {
    try (Ledger ledger = Ledger.open(folder);
        UsageMeter meter = new UsageMeter(ledger, clock)) {
      ToolChat call = new ToolChat();
      meter.admit(call);
      // The tokens stay the same, as they do while a tool runs.
      call.turns = 3;
      call.toolCalls = 2;

      Awaitility.await().until(() -> noted(ledger) == 2);
    }

    try (Ledger ledger = Ledger.open(folder)) {
      assertThat(awaitRecord(ledger))
          .satisfies(record -> {
            assertThat(record.status()).isEqualTo(Status.INTERRUPTED);
            assertThat(record.turns()).isEqualTo(3);
            assertThat(record.toolCalls()).isEqualTo(2);
          });
    }
  }

  @Test
  void refusedUnrecordedRequestIsNotTakenForASettledOne() {
    try (LogLines lines = LogLines.open();
        Ledger ledger = Ledger.open(folder);
        RunningRequests running = new RunningRequests(ledger, clock)) {
      PlainCall call = new PlainCall();
      running.begin(call, call.soFar());
      running.markDoubtful(call);
      assertThat(running.end(call)).isPresent();
      running.settle(LedgerTest.settlement("r1", Status.ERROR, null));
      running.settle(LedgerTest.settlement("never doubted", Status.ERROR, null));

      Awaitility.await().until(() -> !settledBefore(lines).isEmpty());
      assertThat(settledBefore(lines))
          .singleElement()
          .satisfies(line -> assertThat(line).contains("never doubted").doesNotContain("dead"));
    }
  }

  private static List<String> settledBefore(LogLines lines) {
    return lines.said().stream().filter(line -> line.contains("was settled before")).toList();
  }

  private static int noted(Ledger ledger) {
    return ledger.read(connection -> {
      try (var row =
          connection
              .createStatement()
              .executeQuery("select tool_calls from request where sequence is null")) {
        return row.next() ? row.getInt(1) : -1;
      }
    });
  }

  private static UsageRecord awaitRecord(Ledger ledger) {
    return Awaitility.await()
        .until(() -> ledger.after(0, 10), records -> records.size() == 1)
        .getFirst();
  }

  /** A call without turns, such as an embedding. */
  private static class PlainCall implements Call {
    @Override
    public ObjectNode nextRequest() {
      return Json.object();
    }

    @Override
    public String requestId() {
      return "r1";
    }

    @Override
    public String type() {
      return "chat";
    }

    @Override
    public Caller caller() {
      return LedgerTest.CALLER;
    }

    @Override
    public Attempts attempts() {
      Provider provider =
          new Provider("openai", "OpenAI", "openai", "http://127.0.0.1:9", "", null, List.of());
      return Attempts.at(new Target("openai/x", provider, "x", null));
    }

    @Override
    public Instant started() {
      return LedgerTest.NOON;
    }

    @Override
    public void fail(ApiError error) {
      throw new IllegalStateException(error.toString());
    }

    @Override
    public void close() {}

    @Override
    public Status status() {
      return Status.SUCCESS;
    }

    @Override
    public ObjectNode usage() {
      return Usage.of(7, 9);
    }

    @Override
    public List<TokenCount> soFar() {
      return List.of(TokenCount.of(usage()));
    }
  }

  private static final class ToolChat extends PlainCall {
    private volatile int turns = 1;
    private volatile int toolCalls;

    @Override
    public int turnCount() {
      return turns;
    }

    @Override
    public int toolCallCount() {
      return toolCalls;
    }
  }
}
