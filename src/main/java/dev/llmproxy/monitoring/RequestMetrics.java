package dev.llmproxy.monitoring;

import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.CallObserver;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.RequestRecord;
import dev.llmproxy.call.Status;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.error.ApiError;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Counts requests, attempts and tools. The names with {@code gen_ai} are those of OpenTelemetry's
 * semantic conventions for generative AI, version 1.37.0, and so are their buckets. A meter is made
 * once for each set of labels; after that a request costs a look-up and a few additions for each.
 */
public final class RequestMetrics implements CallObserver {
  /** docs/gen-ai/gen-ai-metrics.md of the conventions, in seconds. */
  private static final Duration[] OPERATION =
      seconds(
          0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);

  private static final Duration[] FIRST_TOKEN =
      seconds(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10);

  private static final Duration[] OUTPUT_TOKEN =
      seconds(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5);

  private static final double[] TOKENS = {
    1,
    4,
    16,
    64,
    256,
    1024,
    4096,
    16_384,
    65_536,
    262_144,
    1_048_576,
    4_194_304,
    16_777_216,
    67_108_864
  };

  private static final int MOST_ERRORS = 100;
  private static final int MOST_TOOLS = 100;
  private static final String NO_ERROR = "";

  private final MeterRegistry registry;
  private final ModelHealth health;
  private final ModelLabel.Labels labels = new ModelLabel.Labels();
  private final BoundedNames errors = new BoundedNames(MOST_ERRORS);
  private final BoundedNames tools = new BoundedNames(MOST_TOOLS);
  private final Map<RequestKey, Counter> requests = new ConcurrentHashMap<>();
  private final Map<Operation, Timer> durations = new ConcurrentHashMap<>();
  private final Map<Operation, Timer> attempts = new ConcurrentHashMap<>();
  private final Map<Operation, Answers> answers = new ConcurrentHashMap<>();
  private final Map<ModelLabel, Model> models = new ConcurrentHashMap<>();
  private final Map<ToolKey, Timer> toolRuns = new ConcurrentHashMap<>();

  /**
   * @param health the circuit breakers of the models
   */
  public RequestMetrics(MeterRegistry registry, ModelHealth health) {
    this.registry = registry;
    this.health = health;
  }

  private record RequestKey(
      Endpoint endpoint, String operation, ModelLabel model, String status, String error) {}

  private record Operation(String name, ModelLabel model, String error) {
    Tags tags() {
      return Tags.of(
          "gen_ai.operation.name",
          name,
          "gen_ai.provider.name",
          model.provider(),
          "gen_ai.request.model",
          model.model());
    }

    Tags tagsWithError() {
      return tags().and("error.type", error);
    }
  }

  private record ToolKey(String tool, String outcome) {}

  /** The meters of complete answers. */
  private record Answers(
      Timer firstToken, Timer outputToken, DistributionSummary input, DistributionSummary output) {}

  /** The meters of a model. */
  private record Model(Counter cost, Counter failedOver) {}

  @Override
  public void answering(RequestContext context) {
    // From now on the model has a breaker.
    Call call = context.call();
    model(labels.of(call.target(), true), call.target().servedModel());
  }

  @Override
  public void asked(RequestContext context, Duration duration, String error) {
    Call call = context.call();
    Operation key =
        new Operation(
            endpoint(context).operation(call.type()),
            labels.of(call.target(), error == null),
            error(error));
    meter(attempts, key, this::attempt).record(duration);
  }

  @Override
  public void toolEnded(RequestContext context, String tool, boolean completed, Duration duration) {
    ToolKey key = new ToolKey(tools.of(tool), completed ? "completed" : "failed");
    meter(toolRuns, key, this::toolRun).record(duration);
  }

  @Override
  public void ended(RequestContext context, RequestRecord record) {
    Call call = context.call();
    Endpoint endpoint = endpoint(context);
    boolean success = record.status() == Status.SUCCESS;
    ModelLabel model = labels.of(call.target(), success);
    String error = success ? NO_ERROR : error(record.code() == null ? "cancelled" : record.code());
    String operation = endpoint.operation(call.type());
    long nanos = context.nanosSinceArrival();
    meter(
            requests,
            new RequestKey(
                endpoint,
                operation,
                model,
                success ? "success" : record.status().name().toLowerCase(Locale.ROOT),
                error),
            this::requestCounter)
        .increment();
    Operation key = new Operation(operation, model, error);
    meter(durations, key, this::duration).record(nanos, TimeUnit.NANOSECONDS);
    Model ofModel = model(model, call.target().servedModel());
    if (record.cost() != null) {
      ofModel.cost.increment(record.cost().doubleValue());
    }
    if (!success || record.cached()) {
      return;
    }
    Answers meters = meter(answers, key, this::answersOf);
    if (record.inputTokens() > 0) {
      meters.input.record((double) record.inputTokens());
    }
    if (record.outputTokens() > 0) {
      meters.output.record((double) record.outputTokens());
    }
    long first = context.nanosToFirstContent();
    if (first > 0 && call instanceof ChatCall chat && chat.request().stream()) {
      meters.firstToken.record(first, TimeUnit.NANOSECONDS);
      // Tools of the server take their time too.
      if (record.turns() == 1 && record.outputTokens() > 1) {
        meters.outputToken.record(
            (nanos - first) / (record.outputTokens() - 1), TimeUnit.NANOSECONDS);
      }
    }
    if (call.attempts().otherModel() != null) {
      ofModel.failedOver.increment();
    }
  }

  @Override
  public void refused(ApiError error, RequestContext context, String path) {
    Endpoint endpoint = Endpoint.of(path);
    Call call = context == null ? null : context.call();
    meter(
            requests,
            new RequestKey(
                endpoint,
                call == null ? "none" : endpoint.operation(call.type()),
                call == null ? ModelLabel.NONE : labels.of(call.target(), false),
                "refused",
                error(error.codeOrType())),
            this::requestCounter)
        .increment();
  }

  /** Without a lock once the meter is there. */
  private static <K, M> M meter(Map<K, M> meters, K key, Function<K, M> make) {
    M known = meters.get(key);
    return known == null ? meters.computeIfAbsent(key, make) : known;
  }

  private static Endpoint endpoint(RequestContext context) {
    return context.reply() == null ? Endpoint.OTHER : Endpoint.of(context.reply().path());
  }

  private String error(String code) {
    return code == null ? NO_ERROR : errors.of(code);
  }

  private Counter requestCounter(RequestKey key) {
    return Counter.builder("llmproxy.requests")
        .description("Requests that have ended.")
        .tag("endpoint", key.endpoint().path())
        .tag("format", key.endpoint().format())
        .tag("operation", key.operation())
        .tag("provider", key.model().provider())
        .tag("model", key.model().model())
        .tag("status", key.status())
        .tag("error_type", key.error())
        .register(registry);
  }

  private Timer duration(Operation key) {
    return Timer.builder("gen_ai.server.request.duration")
        .description("The time of admitted requests from their arrival to the end of the answer.")
        .tags(key.tagsWithError())
        .serviceLevelObjectives(OPERATION)
        .register(registry);
  }

  private Timer attempt(Operation key) {
    return Timer.builder("gen_ai.client.operation.duration")
        .description("The time of attempts at providers to the end of the answer.")
        .tags(key.tagsWithError())
        .serviceLevelObjectives(OPERATION)
        .register(registry);
  }

  private Answers answersOf(Operation key) {
    return new Answers(
        Timer.builder("gen_ai.server.time_to_first_token")
            .description("The time of streams from the request's arrival to the first content.")
            .tags(key.tags())
            .serviceLevelObjectives(FIRST_TOKEN)
            .register(registry),
        Timer.builder("gen_ai.server.time_per_output_token")
            .description("The time for each token of streams after the first one.")
            .tags(key.tags())
            .serviceLevelObjectives(OUTPUT_TOKEN)
            .register(registry),
        tokens(key, "input"),
        tokens(key, "output"));
  }

  private DistributionSummary tokens(Operation key, String type) {
    return DistributionSummary.builder("gen_ai.client.token.usage")
        .description("Tokens of answered requests.")
        .tags(key.tags().and("gen_ai.token.type", type))
        .serviceLevelObjectives(TOKENS)
        .register(registry);
  }

  private Timer toolRun(ToolKey key) {
    return Timer.builder("llmproxy.tool.duration")
        .description("The time of tools that the server has run.")
        .tag("tool", key.tool())
        .tag("outcome", key.outcome())
        .serviceLevelObjectives(OPERATION)
        .register(registry);
  }

  /**
   * The meters of a model.
   *
   * @param served the name by which the breaker knows it
   */
  private Model model(ModelLabel label, String served) {
    return meter(models, label, added -> modelMeters(added, served));
  }

  private Model modelMeters(ModelLabel label, String served) {
    Tags tags = Tags.of("provider", label.provider(), "model", label.model());
    if (!label.model().equals(BoundedNames.OTHER)) {
      Gauge.builder("llmproxy.breaker.open", health, now -> now.openness(served))
          .description("The model's circuit breaker: 0 closed, 0.5 half open, 1 open.")
          .tags(tags)
          .strongReference(true)
          .register(registry);
    }
    return new Model(
        Counter.builder("llmproxy.cost")
            .description("The cost of requests.")
            .baseUnit("dollars")
            .tags(tags)
            .register(registry),
        Counter.builder("llmproxy.requests.failed.over")
            .description("Requests that another model than the first one has answered.")
            .tags(tags)
            .register(registry));
  }

  private static Duration[] seconds(double... bounds) {
    return Arrays.stream(bounds)
        .mapToObj(bound -> Duration.ofNanos(Math.round(bound * 1e9)))
        .toArray(Duration[]::new);
  }
}
