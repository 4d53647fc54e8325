package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.PostgresServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Exchange;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** As {@link UsageEventsTest}, with several servers. */
class PostgresUsageEventsTest extends UsageEventsTest {
  private String url;

  @BeforeEach
  void database() {
    url = PostgresServer.shared().newDatabase();
  }

  @Override
  LedgerStore store() {
    return new PostgresStore(url, false);
  }

  @Test
  void severalServersThatSettleAtOnceDeliverEachRecordOnceInOrder() throws Exception {
    int requests = 300;
    try (Ledger one = open();
        Ledger other = open()) {
      started(one);
      List<Long> delivered = Collections.synchronizedList(new ArrayList<>());
      AtomicInteger delivering = new AtomicInteger();
      AtomicInteger mostAtOnce = new AtomicInteger();
      AtomicBoolean settled = new AtomicBoolean();
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> readers = new ArrayList<>();
        for (Ledger ledger : List.of(one, other)) {
          UsageEvents events = new UsageEvents(ledger);
          readers.add(
              threads.submit(() -> {
                while (!settled.get() || delivered.size() < 2 * requests) {
                  Exchange batch = exchange();
                  if (events.next(batch)) {
                    mostAtOnce.accumulateAndGet(delivering.incrementAndGet(), Math::max);
                    events(batch).forEach(event -> delivered.add(event.sequence()));
                    delivering.decrementAndGet();
                    events.done(batch);
                  }
                }
              }));
        }
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
          for (int i = 0; i < requests; i++) {
            String id = "r" + i;
            clients.execute(() -> settle(one, id + "a"));
            clients.execute(() -> settle(other, id + "b"));
          }
        }
        settled.set(true);
        for (var reader : readers) {
          reader.get();
        }
      }
      assertThat(delivered).isSorted().doesNotHaveDuplicates().hasSize(2 * requests);
      assertThat(mostAtOnce).hasValue(1);
    }
  }

  @Test
  void batchOfADeadServerIsDeliveredByAnotherAndNotTwiceByItself() {
    Duration lease = Duration.ofSeconds(1);
    try (Ledger silent = Ledger.open(store(), lease);
        Ledger other = Ledger.open(store(), lease)) {
      UsageEvents paused = started(silent);
      UsageEvents living = new UsageEvents(other);
      settle(silent, "a");
      Exchange batch = taken(paused);
      assertThat(living.next(exchange())).as("while its holder lives").isFalse();

      Awaitility.await()
          .pollInterval(Duration.ofMillis(100))
          .untilAsserted(() -> {
            other.renewLease();
            other.settleInterrupted();
            Exchange taken = exchange();
            assertThat(living.next(taken)).isTrue();
            assertThat(ids(taken)).containsExactly("a");
            living.done(taken);
          });

      settle(other, "b");
      paused.done(batch);
      assertThat(ids(taken(living)))
          .as("after the late end of the dead server")
          .containsExactly("b");
    }
  }
}
