package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.call.RequestLog;
import dev.llmproxy.ledger.LedgerException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.spi.Registry;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.apache.camel.test.junit5.CamelTestSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A route that no request calls, when its step fails. */
class BackgroundRouteTest extends CamelTestSupport {
  private static final AtomicInteger RUNS = new AtomicInteger();

  private final LogLines log = LogLines.open();

  @Override
  protected void bindToRegistry(Registry registry) {
    registry.bind("keyDirectory", new Broken());
    registry.bind("requestLog", new RequestLog());
  }

  @Override
  protected RoutesBuilder createRouteBuilder() {
    return new RouteBuilder() {
      @Override
      public void configure() throws Exception {
        for (String route : List.of("errors", "keys-revoked")) {
          PluginHelper.getRoutesLoader(getContext())
              .loadRoutes(
                  ResourceHelper.resolveResource(
                      getContext(), "file:" + Path.of("routes", route + ".camel.yaml")));
        }
      }
    };
  }

  @Test
  void aFailureIsOneLineAndTheRouteRunsAgain() {
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
