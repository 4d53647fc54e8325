package dev.llmproxy.attempt;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.RoutingSettings;
import dev.llmproxy.error.ApiError;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The health of the models that were asked: a circuit breaker for each model of each provider, and
 * the failures and waits of the last minutes. A model whose breaker is open is not asked until its
 * pause is over; then a few requests try it. Only a model that has answered, or is down, gets an
 * entry, because clients choose the names. Thread-safe.
 */
public final class ModelHealth {
  private static final Logger LOG = LoggerFactory.getLogger(ModelHealth.class);
  private static final int MOST_MODELS = 1000;
  private static final double HALF = 0.5;
  private static final int PROBES = 3;
  private static final int MINUTES = 5;
  private static final int LONGEST_WAIT_MILLIS = 3_600_000;
  private static final int PRECISE_DIGITS = 1;

  private final Clock clock;
  private final CircuitBreakerConfig config;
  private final boolean breaks;
  private final Cache<String, Health> models =
      Caffeine.newBuilder().maximumSize(MOST_MODELS).build();

  /**
   * The health of a model now.
   *
   * @param model {@code provider/model}
   * @param breaker {@code closed} (it is asked), {@code open} (it is not), or {@code half_open} (a
   *     few requests try it)
   * @param calls its calls in the last five minutes
   * @param failures those that failed
   * @param firstContentMillis the median wait for the first content in the last five minutes, in
   *     milliseconds; 0 without an answer
   * @param slowestMillis the wait that 95 % of the answers did not exceed
   * @param lastError the last failure, for people; null for none
   * @param lastErrorAt its time, or null
   */
  public record View(
      String model,
      String breaker,
      int calls,
      int failures,
      long firstContentMillis,
      long slowestMillis,
      String lastError,
      Instant lastErrorAt) {
    /** The view as JSON; what is unknown is absent. */
    public ObjectNode toJson() {
      ObjectNode json =
          Json.object()
              .put("model", model)
              .put("breaker", breaker)
              .put("calls", calls)
              .put("failures", failures);
      if (firstContentMillis > 0) {
        json.put("first_content_ms", firstContentMillis).put("first_content_p95_ms", slowestMillis);
      }
      if (lastErrorAt != null) {
        json.put("last_error", lastError).put("last_error_at", lastErrorAt.toString());
      }
      return json;
    }
  }

  /**
   * @param breaker when a model is not asked for a time; empty for never
   * @param clock the time
   */
  public ModelHealth(Optional<RoutingSettings.Breaker> breaker, Clock clock) {
    this.clock = clock;
    breaks = breaker.isPresent();
    RoutingSettings.Breaker rule =
        breaker.orElse(new RoutingSettings.Breaker(100, 1, Duration.ofSeconds(1)));
    config =
        CircuitBreakerConfig.custom()
            .clock(clock)
            .slidingWindowType(SlidingWindowType.COUNT_BASED)
            .slidingWindowSize(rule.calls())
            .minimumNumberOfCalls(rule.calls())
            .failureRateThreshold(rule.failurePercent())
            .waitDurationInOpenState(rule.pause())
            .permittedNumberOfCallsInHalfOpenState(PROBES)
            .build();
  }

  /** The state of one model. */
  private final class Health {
    private final CircuitBreaker breaker;
    private final Minute[] minutes = new Minute[MINUTES];
    private volatile String lastError;
    private volatile Instant lastErrorAt;
    private volatile Instant openUntil = Instant.MIN;

    Health(String model) {
      breaker = CircuitBreaker.of(model, config);
      if (!breaks) {
        // It counts nothing, and lets every request pass.
        breaker.transitionToDisabledState();
        return;
      }
      breaker
          .getEventPublisher()
          .onStateTransition(change -> {
            CircuitBreaker.State to = change.getStateTransition().getToState();
            if (to == CircuitBreaker.State.OPEN) {
              openUntil = clock.instant().plus(pause());
              LOG.warn(
                  "The model {} is not asked for {} seconds, because too many requests failed: {}",
                  model,
                  pause().toSeconds(),
                  lastError);
            } else if (to == CircuitBreaker.State.CLOSED) {
              LOG.info("The model {} works again", model);
            }
          });
    }

    synchronized void waited(long millis) {
      now().waits.recordValue(Math.clamp(millis, 1, LONGEST_WAIT_MILLIS));
    }

    synchronized void failed() {
      now().failures++;
    }

    private Minute now() {
      long minute = minute();
      int place = Math.floorMod(minute, MINUTES);
      if (minutes[place] == null || minutes[place].minute != minute) {
        minutes[place] = new Minute(minute);
      }
      return minutes[place];
    }

    synchronized View view() {
      Histogram waits = newHistogram();
      int failures = 0;
      for (Minute each : minutes) {
        if (each != null && each.minute > minute() - MINUTES) {
          waits.add(each.waits);
          failures += each.failures;
        }
      }
      boolean answered = waits.getTotalCount() > 0;
      return new View(
          breaker.getName(),
          (breaks ? breaker.getState() : CircuitBreaker.State.CLOSED)
              .name()
              .toLowerCase(Locale.ROOT),
          Math.toIntExact(waits.getTotalCount()) + failures,
          failures,
          answered ? waits.getValueAtPercentile(50) : 0,
          answered ? waits.getValueAtPercentile(95) : 0,
          lastError,
          lastErrorAt);
    }

    private long minute() {
      return clock.millis() / TimeUnit.MINUTES.toMillis(1);
    }
  }

  /** The waits and failures of one minute. */
  private static final class Minute {
    private final long minute;
    private final Histogram waits = newHistogram();
    private int failures;

    Minute(long minute) {
      this.minute = minute;
    }
  }

  private static Histogram newHistogram() {
    return new Histogram(1, LONGEST_WAIT_MILLIS, PRECISE_DIGITS);
  }

  private Duration pause() {
    return Duration.ofMillis(config.getWaitIntervalFunctionInOpenState().apply(1));
  }

  /** Whether the model's breaker is open, so that it is not asked. */
  boolean paused(String model) {
    return pausedFor(model).isPositive();
  }

  /** The time until an open model is tried; zero when it is not open. */
  Duration pausedFor(String model) {
    Health health = models.getIfPresent(model);
    if (!breaks
        || health == null
        || health.breaker.getState() != CircuitBreaker.State.OPEN
        || !clock.instant().isBefore(health.openUntil)) {
      return Duration.ZERO;
    }
    return Duration.between(clock.instant(), health.openUntil);
  }

  /**
   * Whether the model may be asked now. After true, exactly one of {@link #answered}, {@link
   * #failed} and {@link #release} must follow.
   */
  boolean permits(String model) {
    Health health = models.getIfPresent(model);
    return !breaks || health == null || health.breaker.tryAcquirePermission();
  }

  /** The model has begun to answer, after this wait. */
  void answered(String model, Duration wait) {
    Health health = models.get(model, Health::new);
    health.breaker.onSuccess(wait.toNanos(), TimeUnit.NANOSECONDS);
    health.waited(wait.toMillis());
  }

  /** An answer of the model has failed after its first content. */
  public void broken(String model, ApiError error) {
    failed(model, Duration.ZERO, error.codeOrType());
  }

  /**
   * The model has failed.
   *
   * @param reason for people
   */
  void failed(String model, Duration wait, String reason) {
    Health health = models.get(model, Health::new);
    health.lastError = reason;
    health.lastErrorAt = clock.instant();
    health.failed();
    health.breaker.onError(wait.toNanos(), TimeUnit.NANOSECONDS, new ModelFailure());
  }

  /** The attempt says nothing about the model's health. */
  void release(String model) {
    Health health = models.getIfPresent(model);
    if (health != null) {
      health.breaker.releasePermission();
    }
  }

  /** How far a model's breaker is open: 0 closed, 0.5 half open, 1 open. */
  public double openness(String model) {
    Health known = models.getIfPresent(model);
    if (!breaks || known == null) {
      return 0;
    }
    return switch (known.breaker.getState()) {
      case OPEN, FORCED_OPEN -> 1;
      case HALF_OPEN -> HALF;
      case CLOSED, DISABLED, METRICS_ONLY -> 0;
    };
  }

  /** The health of every model that was asked, by name. */
  public List<View> views() {
    return models.asMap().values().stream()
        .map(Health::view)
        .sorted(Comparator.comparing(View::model))
        .toList();
  }

  /** A failure for the breaker, which only counts it. */
  private static final class ModelFailure extends Exception {
    private static final long serialVersionUID = 1;

    ModelFailure() {
      super(null, null, false, false);
    }
  }
}
