package dev.llmproxy.monitoring;

import dev.llmproxy.base.Version;
import dev.llmproxy.cache.ResponseCache;
import dev.llmproxy.call.Call;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.gate.LimitStore;
import dev.llmproxy.gate.Limits;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.http.BodyBudget;
import dev.llmproxy.http.Connections;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.UsageMeter;
import dev.llmproxy.workbook.WorkbookCalls;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** The meters of the server's parts. Nearly all of them read a value when they are asked. */
public final class ServerMetrics {
  private static final double NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final double MILLIS = TimeUnit.SECONDS.toMillis(1);

  private final MeterRegistry registry;
  private final Clock clock;

  /**
   * @param clock the time of day, for ages
   */
  ServerMetrics(MeterRegistry registry, Clock clock) {
    this.registry = registry;
    this.clock = clock;
  }

  /** Version and Java. */
  public void build() {
    gauge(
        "llmproxy.build.info",
        "Always 1; the labels have the version and Java.",
        () -> 1,
        Tag.of("version", Version.current()),
        Tag.of("java", Runtime.version().toString()));
  }

  /** The key directory. */
  public void keys(KeyDirectory keys) {
    gauge(
        "llmproxy.key.directory.age",
        "The time since the API keys were last read from the workbook.",
        "seconds",
        () ->
            keys.readAt()
                .map(read -> Duration.between(read, clock.instant()).toMillis() / MILLIS)
                .orElse(Double.NaN));
    gauge(
        "llmproxy.key.directory.usable",
        "Whether keys can be checked: 1 or 0.",
        () -> keys.loaded() ? 1 : 0);
    gauge("llmproxy.keys", "Known API keys, usable or not.", keys::size);
  }

  /** The ledger and the requests under way. */
  public void ledger(Ledger ledger, UsageMeter meter) {
    Timer commits =
        Timer.builder("llmproxy.ledger.commit")
            .description("The time of commits of the ledger.")
            .serviceLevelObjectives(
                Duration.ofMillis(1),
                Duration.ofMillis(5),
                Duration.ofMillis(20),
                Duration.ofMillis(100),
                Duration.ofMillis(500),
                Duration.ofSeconds(2))
            .register(registry);
    Counter failures =
        Counter.builder("llmproxy.ledger.commit.failures")
            .description("Commits of the ledger that failed.")
            .register(registry);
    Counter writings =
        Counter.builder("llmproxy.ledger.writings")
            .description("Writings into the ledger; several share a commit.")
            .register(registry);
    ledger.watch((count, nanos, succeeded) -> {
      commits.record(nanos, TimeUnit.NANOSECONDS);
      writings.increment(count);
      if (!succeeded) {
        failures.increment();
      }
    });
    gauge(
        "llmproxy.ledger.up",
        "Whether the last commit succeeded: 1 or 0.",
        () -> ledger.works() ? 1 : 0);
    gauge("llmproxy.ledger.queue", "Writings that wait for a commit.", ledger::queue);
    gauge(
        "llmproxy.requests.in.flight",
        "Requests that are admitted and have not ended.",
        () -> meter.running().size());
    gauge(
        "llmproxy.streams.in.flight",
        "Those of them that are streams.",
        () ->
            count(
                meter.running(), call -> call instanceof ChatCall chat && chat.request().stream()));
    gauge(
        "llmproxy.requests.unsettled",
        "Requests that have ended and whose outcome could not be recorded yet.",
        meter::unsettled);
  }

  /** What goes from the ledger to the workbook. */
  public void flush(UsageFlush flush) {
    Recent<UsageFlush.Backlog> backlog = new Recent<>(flush::backlog);
    gauge(
        "llmproxy.flush.waiting",
        "Settled requests that are not in the workbook.",
        () -> known(backlog.get(), UsageFlush.Backlog::records));
    gauge(
        "llmproxy.flush.lag",
        "The time since the end of the oldest request that is not in the workbook.",
        "seconds",
        () -> known(backlog.get(), waiting -> waiting.oldest().toMillis() / MILLIS));
    Recent<Long> refused = new Recent<>(flush::deadLetters);
    gauge(
        "llmproxy.flush.dead.letters",
        "Requests whose rows the workbook refuses.",
        () -> known(refused.get(), Long::doubleValue));
    gauge(
        "llmproxy.flush.up",
        "Whether the last write to the workbook succeeded: 1 or 0.",
        () -> flush.problem() == null ? 1 : 0);
    gauge(
        "llmproxy.flush.leader",
        "Whether this server writes to the workbook: 1 or 0.",
        () -> flush.leading() ? 1 : 0);
  }

  /** The calls of the workbook's server. */
  public void workbook(WorkbookCalls calls) {
    for (boolean write : List.of(false, true)) {
      for (WorkbookCalls.Outcome outcome : WorkbookCalls.Outcome.values()) {
        WorkbookCalls.Kind kind = new WorkbookCalls.Kind(write, outcome);
        counter(
            "llmproxy.workbook.calls",
            "Calls of the workbook's server.",
            calls,
            counted -> counted.count(kind),
            Tag.of("call", write ? "write" : "read"),
            Tag.of("outcome", lower(outcome)));
      }
    }
  }

  /** The limits of callers. */
  public void limits(Limits limits, LimitStore store) {
    for (Limits.Kind kind : Limits.Kind.values()) {
      counter(
          "llmproxy.limits.refused",
          "Requests that a limit has refused.",
          limits,
          counted -> counted.refusals(kind),
          Tag.of("limit", lower(kind)));
    }
    gauge(
        "llmproxy.limits.store.up",
        "Whether the limits of all servers are counted together: 1, or 0 while Redis is down.",
        () -> store.state() == null || store.state().equals("redis") ? 1 : 0);
  }

  /** The response cache. */
  public void cache(ResponseCache cache) {
    counter(
        "llmproxy.cache.lookups",
        "Chats that were looked up in the response cache.",
        cache,
        ResponseCache::hits,
        Tag.of("result", "hit"));
    counter(
        "llmproxy.cache.lookups",
        "Chats that were looked up in the response cache.",
        cache,
        ResponseCache::misses,
        Tag.of("result", "miss"));
    gauge("llmproxy.cache.size", "What the stored answers take.", "bytes", cache::bytes);
  }

  /** Connections and the memory of requests. */
  public void http(Connections connections, BodyBudget bodies, AnswerMemory answers) {
    gauge("llmproxy.connections", "Open connections of clients.", connections::open);
    gauge("llmproxy.connections.limit", "The limit of open connections.", connections::most);
    memory("bodies", () -> bodies.most() - bodies.free(), bodies::most);
    memory("answers", answers::taken, answers::most);
  }

  private void memory(String what, Supplier<Number> used, Supplier<Number> most) {
    Tag of = Tag.of("budget", what);
    gauge("llmproxy.memory.budget.used", "Reserved memory of requests.", "bytes", used, of);
    gauge("llmproxy.memory.budget.limit", "The limit of that memory.", "bytes", most, of);
  }

  private void gauge(String name, String what, Supplier<Number> value, Tag... tags) {
    gauge(name, what, null, value, tags);
  }

  private void gauge(String name, String what, String unit, Supplier<Number> value, Tag... tags) {
    Gauge.builder(name, value)
        .description(what)
        .baseUnit(unit)
        .tags(Tags.of(tags))
        .register(registry);
  }

  /** A counter of an owner that lives as long as the server: it is not kept alive by the meter. */
  private <T> void counter(
      String name, String what, T owner, ToDoubleFunction<T> value, Tag... tags) {
    FunctionCounter.builder(name, owner, value)
        .description(what)
        .tags(Tags.of(tags))
        .register(registry);
  }

  private static long count(List<Call> calls, Predicate<Call> wanted) {
    return calls.stream().filter(wanted).count();
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static <T> double known(T value, ToDoubleFunction<T> number) {
    return value == null ? Double.NaN : number.applyAsDouble(value);
  }

  /** A value of the ledger, which is read at most every few seconds. */
  private static final class Recent<T> {
    private final Supplier<T> source;
    private T value;
    private long read;

    Recent(Supplier<T> source) {
      this.source = source;
      read = System.nanoTime() - Long.MAX_VALUE / 2;
    }

    /** Null while the ledger cannot be read. */
    synchronized T get() {
      if (System.nanoTime() - read > 5 * NANOS) {
        read = System.nanoTime();
        try {
          value = source.get();
        } catch (LedgerException e) {
          value = null;
        }
      }
      return value;
    }
  }
}
