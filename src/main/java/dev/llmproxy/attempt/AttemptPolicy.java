package dev.llmproxy.attempt;

import dev.llmproxy.base.RoutingSettings;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * Decides which target is asked, and whether another attempt follows a failure. Each target of a
 * chain is asked once in a round, the next one at once; a further round follows after a wait. After
 * a 401, 402 or 429 the same target is asked with the provider's next key.
 */
public final class AttemptPolicy {
  private static final int MOST_ATTEMPTS = 20;
  private static final long FIRST_WAIT_MILLIS = 1000;
  private static final int MOST_DOUBLINGS = 5;

  /** Proxies and clients close a connection that is silent for a minute. */
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(20);

  private static final Duration RATE_LIMIT_PAUSE = Duration.ofSeconds(5);
  private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
  private static final Duration KEY_PAUSE = Duration.ofMinutes(10);

  private final RoutingSettings settings;
  private final ModelHealth health;
  private final ProviderKeys keys;
  private final Clock clock;
  private final RandomGenerator random;

  /**
   * @param clock a clock that only goes forward
   * @param random draws the waits
   */
  public AttemptPolicy(
      RoutingSettings settings,
      ModelHealth health,
      ProviderKeys keys,
      Clock clock,
      RandomGenerator random) {
    this.settings = settings;
    this.health = health;
    this.keys = keys;
    this.clock = clock;
    this.random = random;
  }

  /** Begins a turn of a request. */
  public void begin(Attempts attempts) {
    attempts.begin(clock.instant().plus(settings.patience()));
  }

  /**
   * Chooses the target of the next attempt. After it, exactly one of {@link #answered}, {@link
   * #failed} and {@link #abandoned} must follow.
   *
   * @param usable whether a target can answer the request
   * @return whether another target is left, should this one fail
   * @throws dev.llmproxy.error.ApiException when every target is paused: the last error of the
   *     turn, or 503 when there is none
   */
  public boolean choose(Attempts attempts, Predicate<Target> usable) {
    List<Integer> left = attempts.left(usable);
    for (int at : left) {
      Target keyed = keys.free(attempts.candidate(at));
      if (keyed != null && ask(attempts, at, keyed)) {
        return left.size() > 1;
      }
    }
    // A limit may be one of long requests only, so it does not stop this request.
    for (int at : left) {
      if (ask(attempts, at, keys.soonest(attempts.candidate(at)))) {
        return left.size() > 1;
      }
    }
    attempts.end();
    throw (attempts.lastError() == null ? paused(attempts) : attempts.lastError()).asException();
  }

  private boolean ask(Attempts attempts, int at, Target keyed) {
    if (!health.permits(keyed.servedModel())) {
      return false;
    }
    attempts.ask(at, keyed);
    return true;
  }

  private ApiError paused(Attempts attempts) {
    Target target = attempts.target();
    Duration wait = health.pausedFor(target.servedModel());
    return OpenAiErrors.unavailable(
        "The model `%s` of the provider `%s` failed too often, so it is not asked for a while. Try again shortly."
            .formatted(target.upstreamModel(), target.provider().name()),
        wait.isPositive() ? wait : Duration.ofSeconds(1));
  }

  /** Whether other targets are there for content that the current ones refuse. */
  public boolean hasOtherPolicy(Attempts attempts) {
    List<Target> others = attempts.chain().otherPolicy();
    return !others.isEmpty() && !attempts.are(others);
  }

  /** The target has begun to answer, after this wait. */
  public void answered(Attempts attempts, Duration wait) {
    String model = attempts.target().servedModel();
    health.answered(model, wait);
    attempts.answer(new Attempt(attempts.turn(), model, Attempt.ANSWERED, 200, wait, null));
  }

  /** The attempt ended without a result: its client has left, or the server stops. */
  public void abandoned(Attempts attempts) {
    health.release(attempts.target().servedModel());
    attempts.end();
  }

  /**
   * The attempt has failed before the first content of its answer.
   *
   * @param error the client's error, should no attempt follow
   * @param wait the time that it took
   * @param usable whether a target can answer the request
   * @param cost the cost in US dollars; null when it is unknown
   * @return the time to wait before the next attempt; empty when none follows
   */
  public Optional<Duration> failed(
      Attempts attempts, ApiError error, Duration wait, Predicate<Target> usable, BigDecimal cost) {
    Target target = attempts.target();
    FailureKind kind = FailureKind.of(error, target.provider());
    if (kind.breaks(error)) {
      health.failed(target.servedModel(), wait, reason(error));
    } else {
      health.release(target.servedModel());
    }
    note(attempts, error, wait, cost);
    return next(attempts, kind, error, usable);
  }

  /**
   * An answer has failed after its first content, and its client has not got any of it.
   *
   * @param error the client's error, should no attempt follow
   * @param wait the time that it took
   * @param usable whether a target can answer the request
   * @param cost the estimated cost of the lost answer in US dollars; null when it is unknown
   * @return the time to wait before the next attempt; empty when none follows
   */
  public Optional<Duration> lost(
      Attempts attempts, ApiError error, Duration wait, Predicate<Target> usable, BigDecimal cost) {
    attempts.withdraw();
    note(attempts, error, wait, cost);
    return next(attempts, FailureKind.of(error, attempts.target().provider()), error, usable);
  }

  private Optional<Duration> next(
      Attempts attempts, FailureKind kind, ApiError error, Predicate<Target> usable) {
    Optional<Duration> next = wait(attempts, kind, error, usable);
    if (next.isEmpty()
        || attempts.isLast()
        || attempts.asked() >= MOST_ATTEMPTS
        || !attempts.inTime(clock.instant().plus(next.get()))) {
      attempts.end();
      return Optional.empty();
    }
    attempts.goOn();
    return next;
  }

  private static void note(Attempts attempts, ApiError error, Duration wait, BigDecimal cost) {
    attempts.fail(
        new Attempt(
            attempts.turn(),
            attempts.target().servedModel(),
            error.codeOrType(),
            status(error),
            wait,
            cost),
        error);
  }

  private static int status(ApiError error) {
    return error.upstream() == null ? 0 : error.upstream().status();
  }

  private static String reason(ApiError error) {
    String code = error.codeOrType();
    return status(error) == 0 ? code : status(error) + " " + code;
  }

  /** The time to wait before the next attempt; empty when none can help. */
  private Optional<Duration> wait(
      Attempts attempts, FailureKind kind, ApiError error, Predicate<Target> usable) {
    switch (kind) {
      case REQUEST -> {
        return Optional.empty();
      }
      case CONTEXT_LENGTH -> {
        return goTo(attempts, attempts.chain().longContext());
      }
      case CONTENT_POLICY -> {
        return goTo(attempts, attempts.chain().otherPolicy());
      }
      case KEY, RATE_LIMIT -> {
        if (cool(attempts, kind, error)) {
          return Optional.of(Duration.ZERO);
        }
        if (kind == FailureKind.KEY) {
          attempts.giveUp();
        } else {
          attempts.pass(clock.instant().plus(pause(kind, error)));
        }
      }
      case DEFECT -> attempts.giveUp();
      case OUTAGE -> attempts.pass(null);
    }
    if (attempts.left(usable).stream()
        .anyMatch(at -> !health.paused(attempts.candidate(at).servedModel()))) {
      return Optional.of(Duration.ZERO);
    }
    return anotherRound(attempts);
  }

  private static Optional<Duration> goTo(Attempts attempts, List<Target> others) {
    if (others.isEmpty() || attempts.are(others)) {
      return Optional.empty();
    }
    attempts.replace(others);
    return Optional.of(Duration.ZERO);
  }

  /** Lets the key cool down; returns whether the provider has another one that is ready. */
  private boolean cool(Attempts attempts, FailureKind kind, ApiError error) {
    Target candidate = attempts.candidate();
    keys.cool(
        candidate,
        attempts.target(),
        kind == FailureKind.KEY,
        clock.instant().plus(pause(kind, error)));
    return !candidate.provider().spares().isEmpty() && keys.free(candidate) != null;
  }

  private static Duration pause(FailureKind kind, ApiError error) {
    Duration pause =
        error.retryAfter() != null
            ? error.retryAfter()
            : kind == FailureKind.KEY ? KEY_PAUSE : RATE_LIMIT_PAUSE;
    return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
  }

  private Optional<Duration> anotherRound(Attempts attempts) {
    Instant now = clock.instant();
    Instant soonest = attempts.soonest(now);
    if (soonest == null || attempts.round() >= settings.retries()) {
      return Optional.empty();
    }
    long most = FIRST_WAIT_MILLIS << Math.min(attempts.round(), MOST_DOUBLINGS);
    Duration wait = Duration.ofMillis(random.nextLong(most + 1));
    Duration told = Duration.between(now, soonest);
    if (told.compareTo(LONGEST_WAIT) > 0) {
      return Optional.empty();
    }
    attempts.nextRound();
    // With the jitter on top, the requests that were told the same time do not come at once.
    return Optional.of(told.isPositive() ? told.plus(wait) : wait);
  }
}
