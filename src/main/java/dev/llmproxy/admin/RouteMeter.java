package dev.llmproxy.admin;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.apache.camel.AsyncCallback;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.NamedNode;
import org.apache.camel.Processor;
import org.apache.camel.Route;
import org.apache.camel.model.ToDynamicDefinition;
import org.apache.camel.spi.InterceptStrategy;
import org.apache.camel.spi.ManagementInterceptStrategy;
import org.apache.camel.spi.WrapAwareProcessor;
import org.apache.camel.support.LifecycleStrategySupport;
import org.apache.camel.support.processor.DelegateAsyncProcessor;

/**
 * Counts and times all routes and their steps while an administrator measures them. While nobody
 * does, a step costs one read of a field more.
 */
public final class RouteMeter implements CamelContextAware, InterceptStrategy {
  /** The step that has chosen the next route at run time. */
  private static final String CHOSEN_BY = RouteMeter.class.getName();

  private final Clock clock;
  private final Map<String, Meter> steps = new ConcurrentHashMap<>();
  private final Map<String, Meter> routes = new ConcurrentHashMap<>();
  private final Set<Call> calls = ConcurrentHashMap.newKeySet();
  private CamelContext context;

  /** Null while nobody measures. */
  private volatile Measurement running;

  private volatile Measurement last;

  /** A step that has called a route which it chose at run time. */
  private record Call(String step, String route) {}

  /** A stretch of time. The nanoseconds are those of {@link System#nanoTime}. */
  private record Measurement(Instant since, Instant until, long from, long to) {
    boolean over() {
      return System.nanoTime() - to >= 0;
    }
  }

  /**
   * What was counted since the last measurement began.
   *
   * @param done exchanges that have passed
   * @param failed those of them with an exception, whether or not a later step has handled it
   * @param inflight exchanges that are in it now
   * @param mean null when none has passed
   * @param most null when none has passed
   * @param last null when none has passed
   */
  public record Figures(
      long done, long failed, long inflight, Duration mean, Duration most, Duration last) {}

  /**
   * The last measurement.
   *
   * @param running whether it goes on
   * @param length the time measured so far
   */
  public record State(boolean running, Instant since, Instant until, Duration length) {}

  /**
   * @param clock the time of day, which is shown
   */
  public RouteMeter(Clock clock) {
    this.clock = clock;
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  /** Called by Camel when it binds this bean, before it creates the routes. */
  @Override
  public void setCamelContext(CamelContext camelContext) {
    if (context != null) {
      return;
    }
    context = camelContext;
    context.getCamelContextExtension().addInterceptStrategy(this);
    context.addLifecycleStrategy(
        new LifecycleStrategySupport() {
          @Override
          public void onRouteContextCreate(Route route) {
            route.setManagementInterceptStrategy(new WholeRoute(route.getRouteId()));
          }
        });
  }

  /** Begins a measurement at zero, and ends the one before. */
  public void measure(Duration length) {
    steps.values().forEach(Meter::reset);
    routes.values().forEach(Meter::reset);
    Instant now = clock.instant();
    long from = System.nanoTime();
    last = new Measurement(now, now.plus(length), from, from + length.toNanos());
    running = last;
  }

  /** Ends the measurement. Its figures remain. */
  public void stop() {
    Measurement ended = running;
    running = null;
    if (ended != null && !ended.over()) {
      last = new Measurement(ended.since, clock.instant(), ended.from, System.nanoTime());
    }
  }

  /** The last measurement; null when there was none since the start. */
  public State state() {
    Measurement known = last;
    if (known == null) {
      return null;
    }
    boolean goesOn = running != null && !known.over();
    long until = goesOn ? System.nanoTime() : known.to;
    return new State(goesOn, known.since, known.until, Duration.ofNanos(until - known.from));
  }

  /** The figures of a route; null when it is unknown, or nothing was measured. */
  public Figures route(String id) {
    return figures(routes.get(id));
  }

  /**
   * The figures of a step; null when it is unknown, or nothing was measured. Branches and {@code
   * doTry} have none of their own, because Camel does not call them as steps.
   */
  public Figures step(String id) {
    return figures(steps.get(id));
  }

  /** The routes that a step has been seen to call during measurements. */
  public Set<String> calledBy(String step) {
    return calls.stream()
        .filter(call -> call.step.equals(step))
        .map(Call::route)
        .collect(Collectors.toSet());
  }

  private Figures figures(Meter meter) {
    return meter == null || last == null ? null : meter.figures();
  }

  @Override
  public Processor wrapProcessorInInterceptors(
      CamelContext camelContext, NamedNode definition, Processor target, Processor nextTarget) {
    return new MeteredStep(
        target,
        definition.getId(),
        steps.computeIfAbsent(definition.getId(), id -> new Meter()),
        definition instanceof ToDynamicDefinition);
  }

  /**
   * Whether somebody measures now. The first look after the end of a measurement switches it off.
   */
  private boolean measuring() {
    Measurement now = running;
    if (now == null) {
      return false;
    }
    if (now.over()) {
      running = null;
      return false;
    }
    return true;
  }

  /** The counts of one step or route. */
  private static final class Meter {
    private volatile Counts counts = new Counts();

    void reset() {
      counts = new Counts();
    }

    Passing begin() {
      Counts now = counts;
      now.begun.increment();
      return new Passing(now, System.nanoTime());
    }

    Figures figures() {
      Counts now = counts;
      long done = now.done.sum();
      // An exchange may begin and end between the two sums.
      long inflight = Math.max(0, now.begun.sum() - done);
      return done == 0
          ? new Figures(0, 0, inflight, null, null, null)
          : new Figures(
              done,
              now.failed.sum(),
              inflight,
              Duration.ofNanos(now.nanos.sum() / done),
              Duration.ofNanos(now.most.get()),
              Duration.ofNanos(now.last));
    }
  }

  private static final class Counts {
    private final LongAdder begun = new LongAdder();
    private final LongAdder done = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder nanos = new LongAdder();
    private final LongAccumulator most = new LongAccumulator(Math::max, 0);
    private volatile long last;
  }

  /** One exchange in one step or route. */
  private record Passing(Counts counts, long from) {
    void end(boolean failed) {
      long took = System.nanoTime() - from;
      counts.nanos.add(took);
      counts.most.accumulate(took);
      counts.last = took;
      if (failed) {
        counts.failed.increment();
      }
      counts.done.increment();
    }
  }

  private final class MeteredStep extends DelegateAsyncProcessor implements WrapAwareProcessor {
    private final String id;
    private final Meter meter;
    private final boolean choosesRoute;

    MeteredStep(Processor target, String id, Meter meter, boolean choosesRoute) {
      super(target);
      this.id = id;
      this.meter = meter;
      this.choosesRoute = choosesRoute;
    }

    @Override
    public Processor getWrapped() {
      return getProcessor();
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
      if (!measuring()) {
        return super.process(exchange, callback);
      }
      if (choosesRoute) {
        exchange.setProperty(CHOSEN_BY, id);
      }
      Passing passing = meter.begin();
      return super.process(
          exchange,
          doneSync -> {
            passing.end(exchange.getException() != null);
            callback.done(doneSync);
          });
    }
  }

  /** Measures exchanges from the first step of a route to its last one. */
  private final class MeteredRoute extends DelegateAsyncProcessor
      implements ManagementInterceptStrategy.InstrumentationProcessor<Passing> {
    private final String id;
    private final Meter meter;

    MeteredRoute(String id, Meter meter) {
      this.id = id;
      this.meter = meter;
    }

    @Override
    public Passing before(Exchange exchange) {
      if (!measuring()) {
        return null;
      }
      if (exchange.removeProperty(CHOSEN_BY) instanceof String step) {
        calls.add(new Call(step, id));
      }
      return meter.begin();
    }

    @Override
    public void after(Exchange exchange, Passing passing) {
      if (passing != null) {
        passing.end(
            exchange.getException() != null || exchange.getExchangeExtension().isFailureHandled());
      }
    }

    @Override
    public void setCounter(Object counter) {
      // For JMX, which is off.
    }

    @Override
    public int getOrder() {
      return 0;
    }
  }

  /** Has Camel measure a route as a whole. */
  private final class WholeRoute implements ManagementInterceptStrategy {
    private final String id;

    WholeRoute(String id) {
      this.id = id;
    }

    @Override
    public InstrumentationProcessor<?> createProcessor(String type) {
      return new MeteredRoute(id, routes.computeIfAbsent(id, unknown -> new Meter()));
    }

    /** The steps are measured by {@link MeteredStep}, which costs less while nobody measures. */
    @Override
    public InstrumentationProcessor<?> createProcessor(NamedNode definition, Processor target) {
      return null;
    }
  }
}
