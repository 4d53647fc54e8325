package dev.llmproxy.attempt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.MovedClock;
import dev.llmproxy.base.RoutingSettings;
import dev.llmproxy.catalogue.Chain;
import dev.llmproxy.catalogue.Endpoints;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.catalogue.Price;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.Rates;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttemptPolicyTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Model FREE =
      new Model(
          "m",
          "M",
          null,
          0,
          0,
          null,
          List.of(
              new Price(
                  null,
                  null,
                  null,
                  new Rates(BigDecimal.ZERO, null, null, null, null, BigDecimal.ZERO, null),
                  List.of(),
                  null)));

  private static final Target FIRST = target("first");
  private static final Target SECOND_TARGET = target("second");
  private static final Target THIRD = target("third");
  private static final ApiError DOWN = error(503, "overloaded", 503, null);

  private final MovedClock clock = new MovedClock(Instant.parse("2026-01-01T00:00:00Z"));
  private ModelHealth health = health(Optional.empty());
  private AttemptPolicy policy = policy(1);

  @Test
  void failedTargetIsFollowedByTheNextOneAtOnce() {
    Attempts attempts = begin(chain(FIRST, SECOND_TARGET));

    assertThat(fail(attempts, DOWN)).contains(Duration.ZERO);
    choose(attempts);

    assertThat(attempts.target()).isEqualTo(SECOND_TARGET);
  }

  @ParameterizedTest
  @CsvSource({
    // status, code, provider's status, next attempt
    "400, invalid_value, 400, none",
    "422, invalid_value, 422, none",
    "400, context_length_exceeded, 400, none",
    "400, content_filter, 400, none",
    "404, model_not_found, 404, second",
    "413, request_too_large, 413, second",
    "429, rate_limit_exceeded, 429, second",
    "429, insufficient_quota, 402, second",
    "502, upstream_auth_error, 401, second",
    "502, upstream_error, 500, second",
    "502, upstream_error, 0, second",
    "502, upstream_error, 502, second",
    "503, overloaded, 503, second",
    "503, overloaded, 529, second",
    "504, upstream_timeout, 504, second",
    // Without a provider's status these are this server's own.
    "503, overloaded, -1, none",
    "500, internal_error, -1, none",
    "429, rate_limit_exceeded, -1, none",
    // An answer that broke has none either.
    "502, upstream_error, -1, second",
    "504, upstream_timeout, -1, second",
  })
  void failureDecidesWhetherTheNextTargetIsAsked(
      int status, String code, int providersStatus, String next) {
    Attempts attempts = begin(chain(FIRST, SECOND_TARGET));

    Optional<Duration> wait = fail(attempts, error(status, code, providersStatus, null));

    assertThat(wait.isPresent()).isEqualTo(next.equals("second"));
    assertThat(attempts.open()).isEqualTo(next.equals("second"));
  }

  @ParameterizedTest
  @CsvSource({
    "502, upstream_error, 500, false",
    "404, model_not_found, 404, false",
    "502, upstream_auth_error, 401, false",
    "429, insufficient_quota, 402, false",
    "502, upstream_error, 0, true",
    "503, overloaded, 503, true",
    "504, upstream_timeout, 504, true",
    "429, rate_limit_exceeded, 429, true",
  })
  void onlyPassingFailuresAreRepeatedAtTheSameTarget(
      int status, String code, int providersStatus, boolean repeated) {
    Attempts attempts = begin(chain(FIRST));

    Optional<Duration> wait = fail(attempts, error(status, code, providersStatus, null));

    assertThat(wait.isPresent()).isEqualTo(repeated);
  }

  @Test
  void afterTheLastTargetAllAreAskedAgainOnceMore() {
    Attempts attempts = begin(chain(FIRST, SECOND_TARGET));
    List<Target> asked = new ArrayList<>(List.of(attempts.target()));
    while (fail(attempts, DOWN).isPresent()) {
      choose(attempts);
      asked.add(attempts.target());
    }

    assertThat(asked).containsExactly(FIRST, SECOND_TARGET, FIRST, SECOND_TARGET);
    assertThat(attempts.open()).isFalse();
    assertThat(attempts.tried())
        .isEqualTo(
            "first/m 503 overloaded, second/m 503 overloaded, first/m 503 overloaded, second/m 503 overloaded");
  }

  @Test
  void waitBeforeARoundIsDrawnFromZeroToTheDoublingLimit() {
    policy = policy(3);
    List<Long> first = new ArrayList<>();
    List<Long> third = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      Attempts attempts = begin(chain(FIRST));
      first.add(fail(attempts, DOWN).orElseThrow().toMillis());
      choose(attempts);
      fail(attempts, DOWN);
      choose(attempts);
      third.add(fail(attempts, DOWN).orElseThrow().toMillis());
    }

    assertThat(first).allMatch(wait -> wait <= 1000).anyMatch(wait -> wait < 100);
    assertThat(first).anyMatch(wait -> wait > 900);
    assertThat(third).allMatch(wait -> wait <= 4000).anyMatch(wait -> wait < 400);
    assertThat(third).anyMatch(wait -> wait > 3600);
  }

  @Test
  void retryAfterIsWaitedForUnlessItIsLong() {
    assertThat(fail(begin(chain(FIRST)), tooMany(Duration.ofSeconds(20))).orElseThrow())
        .isBetween(Duration.ofSeconds(20), Duration.ofSeconds(21));
    assertThat(fail(begin(chain(FIRST)), tooMany(Duration.ofSeconds(21)))).isEmpty();
  }

  @Test
  void noAttemptBeginsAfterThePatienceIsOver() {
    Attempts attempts = begin(chain(FIRST, SECOND_TARGET, THIRD));
    clock.move(Duration.ofSeconds(59));
    assertThat(fail(attempts, DOWN)).contains(Duration.ZERO);
    choose(attempts);
    clock.move(Duration.ofSeconds(2));

    assertThat(fail(attempts, DOWN)).isEmpty();
    assertThat(attempts.open()).isFalse();
  }

  @Test
  void inAStormOf429TheLimitedTargetIsLeftAloneForTheTimeItSaid() {
    Chain chain = chain(FIRST, SECOND_TARGET);
    Attempts limited = begin(chain);
    fail(limited, tooMany(Duration.ofSeconds(30)));

    for (int second = 0; second < 30; second++) {
      Attempts next = begin(chain);
      assertThat(next.target()).as("after %d seconds", second).isEqualTo(SECOND_TARGET);
      policy.answered(next, SECOND);
      clock.move(SECOND);
    }

    assertThat(begin(chain).target()).isEqualTo(FIRST);
  }

  @Test
  void rateLimitOfOneModelDoesNotStopAnotherModelOfTheProvider() {
    Target other = new Target("first/other", FIRST.provider(), "other", null);
    fail(begin(chain(FIRST, SECOND_TARGET)), tooMany(Duration.ofSeconds(30)));

    assertThat(begin(chain(other, SECOND_TARGET)).target()).isEqualTo(other);
  }

  @Test
  void limitedTargetIsAskedAllTheSameWhenThereIsNoOther() {
    fail(begin(chain(FIRST)), tooMany(Duration.ofSeconds(30)));

    assertThat(begin(chain(FIRST)).target()).isEqualTo(FIRST);
  }

  @ParameterizedTest
  @CsvSource({
    "502, upstream_auth_error, 401",
    "429, insufficient_quota, 402",
    "429, slow_down, 429"
  })
  void nextKeyIsUsedAtOnceAndTheFirstOneCoolsDown(int status, String code, int providersStatus) {
    Target keyed = withKeys("key-1", "key-2", "key-3");
    ApiError refusal = error(status, code, providersStatus, null);
    Attempts attempts = begin(chain(keyed));
    assertThat(attempts.target().provider().apiKey()).isEqualTo("key-1");

    assertThat(fail(attempts, refusal)).contains(Duration.ZERO);
    choose(attempts);
    assertThat(attempts.target().provider().apiKey()).isEqualTo("key-2");
    policy.answered(attempts, SECOND);

    assertThat(begin(chain(keyed)).target().provider().apiKey()).isEqualTo("key-2");
    clock.move(Duration.ofMinutes(10));
    assertThat(begin(chain(keyed)).target().provider().apiKey()).isEqualTo("key-1");
  }

  @Test
  void whenAllKeysAreRefusedTheNextTargetIsAsked() {
    Attempts attempts = begin(chain(withKeys("key-1", "key-2"), SECOND_TARGET));
    ApiError refusal = error(502, "upstream_auth_error", 401, null);

    fail(attempts, refusal);
    choose(attempts);
    assertThat(fail(attempts, refusal)).contains(Duration.ZERO);
    choose(attempts);

    assertThat(attempts.target()).isEqualTo(SECOND_TARGET);
  }

  @Test
  void keyThatIsUsedUpIsLeftAloneForAllModels() {
    Target keyed = withKeys("key-1", "key-2");
    Target other = new Target("keyed/other", keyed.provider(), "other", null);
    fail(begin(chain(keyed)), error(429, "insufficient_quota", 402, null));

    assertThat(begin(chain(other)).target().provider().apiKey()).isEqualTo("key-2");
  }

  @Test
  void modelThatFailsTooOftenIsNotAskedUntilItsPauseIsOver() {
    health = health(Optional.of(new RoutingSettings.Breaker(50, 10, Duration.ofSeconds(15))));
    policy = policy(0);
    for (int i = 0; i < 10; i++) {
      fail(begin(chain(FIRST)), DOWN);
    }

    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> begin(chain(FIRST)))
        .satisfies(e -> {
          assertThat(e.error().status()).isEqualTo(503);
          assertThat(e.error().retryAfter()).isEqualTo(Duration.ofSeconds(15));
        });
    assertThat(begin(chain(FIRST, SECOND_TARGET)).target()).isEqualTo(SECOND_TARGET);
    assertThat(health.views().getFirst())
        .isEqualTo(
            new ModelHealth.View(
                "first/m", "open", 10, 10, 0, 0, "503 overloaded", clock.instant()));

    clock.move(Duration.ofSeconds(16));
    List<Attempts> probes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      probes.add(begin(chain(FIRST)));
    }
    assertThatExceptionOfType(ApiException.class).isThrownBy(() -> begin(chain(FIRST)));
    probes.forEach(probe -> policy.answered(probe, SECOND));

    assertThat(begin(chain(FIRST)).target()).isEqualTo(FIRST);
    assertThat(health.views().getFirst().breaker()).isEqualTo("closed");
  }

  @Test
  void probeThatFailsKeepsTheModelPausedAndOneThatIsAbandonedGivesItsPlaceBack() {
    health = health(Optional.of(new RoutingSettings.Breaker(50, 2, Duration.ofSeconds(15))));
    policy = policy(0);
    fail(begin(chain(FIRST)), DOWN);
    fail(begin(chain(FIRST)), DOWN);
    clock.move(Duration.ofSeconds(16));

    for (int i = 0; i < 5; i++) {
      policy.abandoned(begin(chain(FIRST)));
    }
    fail(begin(chain(FIRST)), DOWN);
    fail(begin(chain(FIRST)), DOWN);

    assertThatExceptionOfType(ApiException.class).isThrownBy(() -> begin(chain(FIRST)));
  }

  @Test
  void refusedRequestsDoNotOpenTheBreaker() {
    health = health(Optional.of(new RoutingSettings.Breaker(50, 2, Duration.ofSeconds(15))));
    policy = policy(0);
    for (int i = 0; i < 20; i++) {
      fail(begin(chain(FIRST)), error(400, "invalid_value", 400, null));
      fail(begin(chain(FIRST)), tooMany(SECOND));
    }

    assertThat(begin(chain(FIRST)).target()).isEqualTo(FIRST);
  }

  @Test
  void requestThatIsTooLongGoesToTheTargetsForLongContexts() {
    Attempts attempts =
        begin(new Chain(List.of(FIRST, SECOND_TARGET), List.of(), List.of(THIRD), List.of()));

    fail(attempts, error(400, "context_length_exceeded", 400, null));
    choose(attempts);
    assertThat(attempts.target()).isEqualTo(THIRD);
    assertThat(fail(attempts, error(400, "context_length_exceeded", 400, null))).isEmpty();
  }

  @Test
  void requestThatIsRefusedForItsContentGoesToTheTargetsOfAnotherPolicy() {
    Attempts attempts =
        begin(new Chain(List.of(FIRST, SECOND_TARGET), List.of(), List.of(), List.of(THIRD)));

    fail(attempts, error(400, "content_filter", 400, null));
    choose(attempts);

    assertThat(attempts.target()).isEqualTo(THIRD);
  }

  @Test
  void weightsDecideWhichTargetIsFirst() {
    Chain chain =
        new Chain(List.of(FIRST, SECOND_TARGET, THIRD), List.of(3, 1, 0), List.of(), List.of());
    Random random = new Random(7);
    Map<String, Integer> first = new TreeMap<>();
    for (int i = 0; i < 10_000; i++) {
      List<Target> order = chain.order(random);
      assertThat(order).hasSize(3).last().isEqualTo(THIRD);
      first.merge(order.getFirst().servedModel(), 1, Integer::sum);
    }

    assertThat(first.get("first/m")).isBetween(7350, 7650);
    assertThat(first.get("second/m")).isBetween(2350, 2650);
  }

  @Test
  void costOfAFailedAttemptIsOnTopOnceAnotherOneFollows() {
    Attempts attempts = begin(chain(FIRST, SECOND_TARGET));
    ApiError wrong = error(400, "invalid_value", 400, null);

    policy.failed(attempts, DOWN, SECOND, target -> true, new BigDecimal("0.25"));
    choose(attempts);
    policy.failed(attempts, wrong, SECOND, target -> true, new BigDecimal("0.5"));

    assertThat(attempts.cost(List.of(), clock.instant())).isEqualByComparingTo("0.25");
    assertThat(attempts.withCosts(List.of(), clock.instant()))
        .extracting(Attempt::cost)
        .containsExactly(new BigDecimal("0.25"), new BigDecimal("0.5"));
  }

  @Test
  void modelWithoutABreakerIsAskedHoweverOftenItFails() {
    health = health(Optional.empty());
    policy = policy(0);
    for (int i = 0; i < 20; i++) {
      fail(begin(chain(FIRST)), DOWN);
    }

    assertThat(health.paused("first/m")).isFalse();
    assertThat(health.views())
        .singleElement()
        .satisfies(view -> {
          assertThat(view.breaker()).isEqualTo("closed");
          assertThat(view.failures()).isEqualTo(20);
        });
  }

  private Attempts begin(Chain chain) {
    Attempts attempts = new Attempts(chain);
    policy.begin(attempts);
    choose(attempts);
    return attempts;
  }

  private void choose(Attempts attempts) {
    policy.choose(attempts, target -> true);
  }

  private Optional<Duration> fail(Attempts attempts, ApiError error) {
    return policy.failed(attempts, error, SECOND, target -> true, BigDecimal.ZERO);
  }

  private AttemptPolicy policy(int retries) {
    RoutingSettings settings =
        new RoutingSettings(
            retries, Duration.ofMinutes(1), SECOND, Optional.empty(), Optional.empty());
    return new AttemptPolicy(settings, health, new ProviderKeys(clock), clock, new Random(1));
  }

  private ModelHealth health(Optional<RoutingSettings.Breaker> breaker) {
    return new ModelHealth(breaker, clock);
  }

  private static Chain chain(Target... targets) {
    return new Chain(List.of(targets), List.of(), List.of(), List.of());
  }

  private static Target target(String provider) {
    return new Target(provider + "/m", provider(provider, "key", List.of()), "m", FREE);
  }

  private static Target withKeys(String first, String... others) {
    List<Provider> spares =
        List.of(others).stream().map(key -> provider("keyed", key, List.of())).toList();
    return new Target("keyed/m", provider("keyed", first, spares), "m", null);
  }

  private static Provider provider(String name, String key, List<Provider> spares) {
    return new Provider(
        name,
        name,
        "openai",
        "http://" + name,
        key,
        null,
        List.of(),
        null,
        Map.of(),
        "",
        List.of(),
        "KEY",
        null,
        null,
        model -> List.of(),
        List.of(),
        spares,
        null,
        Endpoints.NONE);
  }

  private static ApiError tooMany(Duration retryAfter) {
    return error(429, "rate_limit_exceeded", 429, retryAfter);
  }

  /**
   * @param providersStatus -1 for an error that is not a provider's
   */
  private static ApiError error(int status, String code, int providersStatus, Duration retryAfter) {
    ApiError error = new ApiError(status, "some_error", code, null, "message", retryAfter);
    return providersStatus < 0
        ? error
        : error.because(new ApiError.Upstream(providersStatus, "reason"));
  }
}
