package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestLog;
import dev.llmproxy.ledger.LedgerException;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.spi.Registry;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Failures of a step in a route that serves no request. */
class BackgroundRouteTest extends RouteTestSupport {
  private static final AtomicInteger RUNS = new AtomicInteger();

  private final LogLines log = LogLines.open();

  BackgroundRouteTest() {
    super(List.of("errors", "keys-revoked"), Map.of());
  }

  @Override
  protected void bindToRegistry(Registry registry) {
    registry.bind("keyDirectory", new Broken());
    registry.bind("requestLog", new RequestLog(new LiveRequests(Clock.systemUTC())));
  }

  @Test
  void aFailureLogsOneLineAndTheRouteRunsAgain() {
    Awaitility.await().until(() -> RUNS.get() >= 2);

    assertThat(log.said())
        .contains(
            "WARN The route keys-revoked failed and will run again: SQLException: the disk is full")
        .noneMatch(line -> line.startsWith("ERROR"));
    log.close();
  }

  /** A key directory whose disk is full. */
  public static final class Broken {
    public void readRevoked() {
      RUNS.incrementAndGet();
      throw new LedgerException(
          "The ledger cannot be written", new SQLException("the disk is full"));
    }
  }
}
