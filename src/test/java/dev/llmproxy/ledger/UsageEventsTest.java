package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settled requests for other systems: none is skipped, and a failure is tried again. */
class UsageEventsTest {
  static final String ROUTE = "usage-test";
  static final CamelContext CONTEXT = new DefaultCamelContext();

  @TempDir private Path folder;

  LedgerStore store() {
    return new SqliteStore(folder, false);
  }

  @Test
  void consumerGetsWhatIsSettledAfterItsFirstRunInOrder() {
    try (Ledger ledger = open()) {
      settle(ledger, "before");
      UsageEvents events = new UsageEvents(ledger);
      assertThat(events.next(exchange())).isFalse();
      settle(ledger, "a", "b");

      Exchange batch = taken(events);
      assertThat(ids(batch)).containsExactly("a", "b");
      events.done(batch);
      assertThat(events.next(exchange())).isFalse();

      settle(ledger, "c");
      assertThat(ids(taken(events))).containsExactly("c");
    }
  }

  @Test
  void eventHasTheFieldsOfTheLedgerAndNoText() throws Exception {
    try (Ledger ledger = open()) {
      UsageEvents events = started(ledger);
      ledger.admit(LedgerTest.admission("r1"));
      ledger.settle(LedgerTest.settlement("r1", Status.SUCCESS, new BigDecimal("0.25")));

      Exchange batch = taken(events);
      JsonNode event = Json.parse(events(batch).getFirst().json());
      assertThat(event.path("request_id").textValue()).isEqualTo("r1");
      assertThat(event.path("started").textValue()).isEqualTo("2026-03-01T12:00:00Z");
      assertThat(event.path("user").textValue()).isEqualTo("a@example.com");
      assertThat(event.path("status").textValue()).isEqualTo("SUCCESS");
      assertThat(event.path("input_tokens").longValue()).isEqualTo(7);
      assertThat(event.path("output_tokens").longValue()).isEqualTo(9);
      assertThat(event.path("cost_dollars").decimalValue()).isEqualByComparingTo("0.25");
      assertThat(event.path("duration_ms").longValue()).isEqualTo(1500);
      assertThat(Json.parse(events.array(batch)).get(0)).isEqualTo(event);
      assertThat(events.lines(batch)).isEqualTo(event + "\n");
    }
  }

  @Test
  void failedRecordsAreTriedAgainAfterAPauseAndReported() {
    try (Ledger ledger = open()) {
      UsageEvents events = started(ledger);
      settle(ledger, "a", "b");
      Exchange batch = taken(events);
      batch.setProperty(Exchange.EXCEPTION_CAUGHT, new IllegalStateException("no broker"));
      events.failed(batch);

      assertThat(events.next(exchange())).as("before the pause has passed").isFalse();
      assertThat(events.consumers())
          .containsExactly(
              new UsageEvents.Consumer(
                  ROUTE, 2, 1, "from request a on: IllegalStateException: no broker"));
      // The record that may be to blame comes alone.
      Exchange again = taken(events);
      assertThat(ids(again)).containsExactly("a");
      events.done(again);
      assertThat(ids(taken(events))).containsExactly("b");
      assertThat(events.consumers()).containsExactly(new UsageEvents.Consumer(ROUTE, 1, 0, null));
    }
  }

  @Test
  void recordsOfAKilledDeliveryComeAgainAfterARestart() {
    try (Ledger ledger = open()) {
      UsageEvents events = started(ledger);
      settle(ledger, "a", "b");
      assertThat(ids(taken(events))).containsExactly("a", "b");
    }
    try (Ledger ledger = open()) {
      settle(ledger, "c");
      assertThat(ids(taken(new UsageEvents(ledger)))).containsExactly("a", "b", "c");
    }
  }

  @Test
  void manyRecordsComeInSeveralBatchesWithoutAGap() {
    try (Ledger ledger = open()) {
      UsageEvents events = started(ledger);
      String[] ids = IntStream.range(0, 1201).mapToObj(i -> "r" + i).toArray(String[]::new);
      settle(ledger, ids);
      List<String> delivered = new ArrayList<>();
      Exchange batch = exchange();
      while (events.next(batch)) {
        delivered.addAll(ids(batch));
        events.done(batch);
      }
      assertThat(delivered).containsExactly(ids);
    }
  }

  final Ledger open() {
    return Ledger.open(store(), Duration.ofSeconds(30));
  }

  /** A consumer that has run once. */
  static UsageEvents started(Ledger ledger) {
    UsageEvents events = new UsageEvents(ledger);
    events.next(exchange());
    return events;
  }

  static void settle(Ledger ledger, String... ids) {
    for (String id : ids) {
      ledger.admit(LedgerTest.admission(id));
      ledger.settle(LedgerTest.settlement(id, Status.SUCCESS, null));
    }
  }

  /** An exchange of the route. */
  static Exchange exchange() {
    Exchange exchange = new DefaultExchange(CONTEXT);
    exchange.getExchangeExtension().setFromRouteId(ROUTE);
    return exchange;
  }

  static Exchange taken(UsageEvents events) {
    Exchange exchange = exchange();
    Awaitility.await().until(() -> events.next(exchange));
    return exchange;
  }

  @SuppressWarnings("unchecked")
  static List<UsageEvent> events(Exchange batch) {
    return batch.getMessage().getBody(List.class);
  }

  static List<String> ids(Exchange batch) {
    return events(batch).stream().map(UsageEvent::id).toList();
  }
}
