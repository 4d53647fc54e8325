package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestLog;
import dev.llmproxy.ledger.UsageEvent;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Exchange;
import org.apache.camel.builder.AdviceWith;
import org.apache.camel.component.mock.MockEndpoint;
import org.junit.jupiter.api.Test;

/** The route that sends settled requests to Kafka, without Kafka; KafkaTest has a broker. */
class UsageKafkaRouteTest extends RouteTestSupport {
  private final Source source = new Source();

  UsageKafkaRouteTest() {
    super(List.of("errors", "optional/usage-kafka"), Map.of("KAFKA_BROKERS", "127.0.0.1:1"));
    testConfiguration().withUseAdviceWith(true);
  }

  @Override
  protected void bindToRegistry(org.apache.camel.spi.Registry registry) {
    registry.bind("usageEvents", source);
    registry.bind("requestLog", new RequestLog(new LiveRequests(Clock.systemUTC())));
  }

  @Test
  void batchIsSentWithRequestIdsAsKeysAndFailuresLeaveItForTheNextTime() throws Exception {
    AdviceWith.adviceWith(
        context,
        "usage-kafka",
        route -> {
          route.replaceFromWith("direct:usage-kafka");
          route.weaveByToUri("kafka:*").replace().to("mock:kafka");
        });
    MockEndpoint kafka = getMockEndpoint("mock:kafka");
    kafka.expectedMessageCount(2);
    kafka.whenExchangeReceived(
        1,
        sent -> {
          throw new IllegalStateException("no broker");
        });
    context.start();

    template.sendBody("direct:usage-kafka", null);

    kafka.assertIsSatisfied();
    assertThat(source.failed).hasValue(1);
    assertThat(source.done).hasValue(1);
    List<?> sent = kafka.getExchanges().get(1).getMessage().getBody(List.class);
    assertThat(sent)
        .extracting(one -> ((Exchange) one).getMessage().getHeader("kafka.KEY"))
        .containsExactly("r1", "r2");
    assertThat(sent)
        .extracting(one -> ((Exchange) one).getMessage().getBody())
        .containsExactly("{\"request_id\":\"r1\"}", "{\"request_id\":\"r2\"}");
  }

  /** Gives the same batch until it is done. */
  public static final class Source {
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();

    public boolean next(Exchange exchange) {
      exchange
          .getMessage()
          .setBody(
              List.of(
                  new UsageEvent("r1", 1, "{\"request_id\":\"r1\"}"),
                  new UsageEvent("r2", 2, "{\"request_id\":\"r2\"}")));
      return done.get() == 0;
    }

    public void done(Exchange exchange) {
      done.incrementAndGet();
    }

    public void failed(Exchange exchange) {
      failed.incrementAndGet();
    }
  }
}
