package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.RouteTestSupport;
import dev.llmproxy.Wire;
import dev.llmproxy.attempt.AttemptPolicy;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.attempt.ProviderKeys;
import dev.llmproxy.base.CacheSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.RoutingSettings;
import dev.llmproxy.cache.ResponseCache;
import dev.llmproxy.call.CallWatch;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.RequestLog;
import dev.llmproxy.call.Requests;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.embedding.EmbeddingCalls;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.format.openai.ErrorAnswer;
import dev.llmproxy.gate.LimitStore;
import dev.llmproxy.gate.Limits;
import dev.llmproxy.guard.Guards;
import dev.llmproxy.media.MediaCalls;
import dev.llmproxy.routing.ProviderAttempts;
import io.github.bucket4j.TimeMeter;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.spi.Registry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The routes of a chat from call-serve to call-end. The gate, the provider, the sink and the
 * settlement are the test's.
 */
class ChatTurnsRouteTest extends RouteTestSupport {
  private static final String REQUEST =
      "{\"model\":\"test/m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final ChatEvent FIRST = delta("one");
  private static final ChatEvent SECOND = delta("two");
  private static final ChatEvent LAST =
      new ChatEvent.Complete(Json.object().put("total_tokens", 2));

  private static final LiveRequests LIVE = new LiveRequests(Clock.systemUTC());

  private final ChatCall chat =
      new ChatCall(
          "req_1",
          new Caller("a@example.com", "Key", "00", "free"),
          ChatRequest.parse(REQUEST.getBytes(StandardCharsets.UTF_8)),
          new Target(
              "test/m",
              new Provider("test", "Test", "test", "http://x", null, null, List.of()),
              "m",
              null),
          Instant.EPOCH,
          new Accumulator());

  ChatTurnsRouteTest() {
    super(
        List.of(
            "errors",
            "call-serve",
            "call-failed",
            "call-end",
            "chat-turns",
            "provider-attempts",
            "chat-events"),
        Map.of());
  }

  @Override
  protected void bindToRegistry(Registry registry) {
    registry.bind("guards", new Guards(null));
    registry.bind("embeddingCalls", new EmbeddingCalls(null, null));
    registry.bind("mediaCalls", new MediaCalls(null));
    registry.bind("chatCalls", new ChatCalls(null, null, null, null));
    registry.bind(
        "chatTurns",
        new ChatTurns(null, new ToolMemory(), LIVE, 10, Duration.ofMinutes(5), Optional.empty()));
    registry.bind("providerAttempts", attempts());
    registry.bind("responseCache", new ResponseCache(new CacheSettings(0, Duration.ofMinutes(1))));
    registry.bind("callWatch", new Watchless());
    registry.bind("errorAnswer", new NobodyGone());
    registry.bind("conversationLog", new NotStored());
    registry.bind("requestLog", new RequestLog(LIVE));
    registry.bind("requests", new Requests(null, Clock.systemUTC(), Clock.systemUTC()));
    registry.bind("usageMeter", new Watchless());
    registry.bind(
        "limits",
        new Limits(
            LimitStore.inMemory(TimeMeter.SYSTEM_NANOTIME),
            TimeMeter.SYSTEM_NANOTIME,
            Clock.systemUTC(),
            (caller, month) -> BigDecimal.ZERO));
  }

  private static ProviderAttempts attempts() {
    RoutingSettings settings =
        new RoutingSettings(
            0, Duration.ofMinutes(1), Duration.ofMinutes(1), Optional.empty(), Optional.empty());
    ModelHealth health = new ModelHealth(settings.breaker(), Clock.systemUTC());
    return new ProviderAttempts(
        new AttemptPolicy(
            settings,
            health,
            new ProviderKeys(Clock.systemUTC()),
            Clock.systemUTC(),
            RandomGenerator.getDefault()),
        health,
        LIVE,
        settings,
        Thread::sleep,
        reply -> {});
  }

  @Override
  protected RoutesBuilder[] createRouteBuilders() throws Exception {
    RoutesBuilder surroundings =
        new RouteBuilder() {
          @Override
          public void configure() {
            from("direct:provider-test").to("mock:provider").setBody(exchangeProperty("answer"));
            from("direct:sink-test").to("mock:sink");
            from("direct:usage-settle").to("mock:settle");
            from("direct:gate-admit").to("mock:gate");
            from("direct:conversation-begin").to("mock:conversation");
            from("direct:conversation-log").to("mock:conversation");
            from("direct:embeddings").to("mock:embeddings");
            from("direct:cache-replay").to("mock:cache");
          }
        };
    return new RoutesBuilder[] {createRouteBuilder(), surroundings};
  }

  @BeforeEach
  void expectOneSettlement() {
    getMockEndpoint("mock:settle").expectedMessageCount(1);
  }

  @Wire("5.order")
  @Test
  void eventsReachTheSinkInOrderAndTheChatIsSettledOnce() throws InterruptedException {
    sink().expectedBodiesReceived(together(FIRST), together(SECOND), together(LAST));

    Exchange exchange = ask(new Events(FIRST, SECOND, LAST));

    MockEndpoint.assertIsSatisfied(context);
    assertThat(exchange.getException()).isNull();
    assertThat(chat.accumulator().usage().path("total_tokens").asInt()).isEqualTo(2);
  }

  @Test
  void eventsThatArrivedTogetherReachTheSinkTogether() throws InterruptedException {
    sink().expectedBodiesReceived(List.of(together(FIRST, SECOND, LAST)));

    ask(
        new Events(FIRST, SECOND, LAST) {
          @Override
          public ChatEvent poll() {
            return hasNext() ? next() : null;
          }
        });

    MockEndpoint.assertIsSatisfied(context);
    assertThat(chat.accumulator().complete()).isTrue();
  }

  @Wire("6.502")
  @Test
  void failedProviderCallReachesTheSinkAsAnErrorEvent() throws InterruptedException {
    getMockEndpoint("mock:provider")
        .whenAnyExchangeReceived(call -> fail(new ConnectException("refused")));
    sink().expectedMessageCount(1);

    ask(new Events());

    MockEndpoint.assertIsSatisfied(context);
    ApiError error =
        ((ChatEvent.Failed) events(sink().getExchanges().getFirst()).getFirst()).error();
    assertThat(error.status()).isEqualTo(502);
    assertThat(chat.accumulator().error()).isEqualTo(error);
  }

  @Wire("5.8")
  @Test
  void failingSinkEndsTheChatAndClosesTheProvidersStream() throws InterruptedException {
    sink().whenExchangeReceived(1, call -> fail(OpenAiErrors.internal().asException()));
    Events events = new Events(FIRST, SECOND, LAST);

    ask(events);

    MockEndpoint.assertIsSatisfied(context);
    assertThat(events.closed).isTrue();
    assertThat(sink().getExchanges())
        .extracting(sent -> events(sent).getFirst().name())
        .containsExactly("delta", "error");
  }

  /** The mock compares bodies of the same class only. */
  private static List<ChatEvent> together(ChatEvent... events) {
    return new ArrayList<>(List.of(events));
  }

  private static List<ChatEvent> events(Exchange sent) {
    List<?> body = sent.getMessage().getBody(List.class);
    return body.stream().map(ChatEvent.class::cast).toList();
  }

  private static ChatEvent delta(String text) {
    ObjectNode chunk = Json.object();
    chunk.putArray("choices").addObject().putObject("delta").put("content", text);
    return new ChatEvent.Delta(chunk);
  }

  private static void fail(Exception exception) throws Exception {
    throw exception;
  }

  private Exchange ask(ChatEvents answer) {
    RequestContext request = Fixtures.context(chat);
    return template.send(
        "direct:call-serve",
        exchange -> {
          exchange.setProperty(RequestContext.PROPERTY, request);
          // The properties that the entry route sets.
          exchange.setProperty("call", chat);
          exchange.setProperty("sink", "sink-test");
          exchange.setProperty("answer", answer);
        });
  }

  private MockEndpoint sink() {
    return getMockEndpoint("mock:sink");
  }

  private static class Events implements ChatEvents {
    private final Iterator<ChatEvent> events;
    private boolean closed;

    Events(ChatEvent... events) {
      this.events = List.of(events).iterator();
    }

    @Override
    public boolean hasNext() {
      return !closed && events.hasNext();
    }

    @Override
    public ChatEvent next() {
      return events.next();
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  /** As {@link CallWatch}, without an HTTP connection to watch. */
  public static final class Watchless {
    public void begin() {}

    public void settle() {}

    public void discard() {}

    public void end(@ExchangeProperty(RequestContext.PROPERTY) RequestContext request) {
      request.call().close();
    }
  }

  /** A conversation log that stores nothing. */
  public static final class NotStored {
    public boolean isStored() {
      return false;
    }
  }

  /** As {@link ErrorAnswer}, without an HTTP connection. */
  public static final class NobodyGone {
    public List<ChatEvent> event(
        @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
        @ExchangeProperty(RequestContext.PROPERTY) RequestContext request) {
      ApiError error = OpenAiErrors.of(exception, request.call().target().provider().name());
      request.call().fail(error);
      return List.of(new ChatEvent.Failed(error));
    }

    public boolean clientGone() {
      return false;
    }

    public void giveUp(Exchange exchange) {
      exchange.setProperty("gaveUp", true);
    }

    public void refuse(Exchange exchange) {
      exchange.setProperty("refused", true);
    }
  }
}
