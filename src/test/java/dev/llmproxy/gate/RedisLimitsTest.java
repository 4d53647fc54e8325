package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.RedisServer;
import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.ledger.RequestEnd;
import io.github.bucket4j.TimeMeter;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two servers that count in one real Redis. */
class RedisLimitsTest {
  private static final Duration HOUR = Duration.ofHours(1);

  private static RedisServer redis;

  private RedisLimits one;
  private RedisLimits other;

  @BeforeAll
  static void startRedis() throws IOException {
    redis = RedisServer.start();
  }

  @AfterAll
  static void stopRedis() {
    if (redis != null) {
      redis.close();
    }
  }

  @BeforeEach
  void open() {
    one = limits("open", Duration.ofSeconds(30));
    other = limits("open", Duration.ofSeconds(30));
  }

  @AfterEach
  void close() {
    one.close();
    other.close();
  }

  @Test
  void parallelRequestsAtTwoServersAreAdmittedExactlyUpToTheLimit() throws Exception {
    List<Buckets> both = List.of(one.buckets("exact", HOUR), other.buckets("exact", HOUR));
    List<Callable<Boolean>> asks =
        IntStream.range(0, 200)
            .<Callable<Boolean>>mapToObj(i -> () -> both.get(i % 2).take("a", 100, 1).granted())
            .toList();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> answers = threads.invokeAll(asks);
      assertThat(answers.stream().filter(Future::resultNow)).hasSize(100);
    }
    assertThat(one.state()).isEqualTo("redis");
  }

  @Test
  void whatOneServerGivesBackTheOtherCanTake() {
    Buckets first = one.buckets("shared", HOUR);
    Buckets second = other.buckets("shared", HOUR);
    assertThat(first.take("a", 10, 8).granted()).isTrue();
    assertThat(second.take("a", 10, 3).granted()).isFalse();
    assertThat(second.look("a", 10, 2).granted()).isTrue();
    first.giveBack("a", 5);
    assertThat(second.take("a", 10, 7).granted()).isTrue();
    first.charge("a", 4);
    Allowance refused = second.take("a", 10, 1);
    assertThat(refused.granted()).isFalse();
    assertThat(refused.untilEnough()).isBetween(Duration.ofMinutes(59), HOUR);
  }

  @Test
  void whatWasUsedBeforeIsReadOnceForAllServers() {
    assertThat(one.buckets("before", HOUR).take("a", 10, 1, () -> 7).remaining()).isEqualTo(2);
    assertThat(other.buckets("before", HOUR).take("a", 10, 1, () -> 0).remaining()).isEqualTo(1);
  }

  @Test
  void aChangedLimitKeepsWhatBothServersHaveCounted() {
    Buckets first = one.buckets("changed", HOUR);
    Buckets second = other.buckets("changed", HOUR);
    first.take("a", 10, 3);
    second.take("a", 10, 3);
    assertThat(first.take("a", 20, 1).remaining()).isEqualTo(13);
    assertThat(second.take("a", 20, 1).remaining()).isEqualTo(12);
    assertThat(second.take("a", 9, 1).remaining()).isZero();
    assertThat(first.take("a", 9, 1).granted()).isFalse();
  }

  @Test
  void aWindowEndsForBothServers() {
    Buckets first = one.buckets("short", Duration.ofMillis(300));
    Buckets second = other.buckets("short", Duration.ofMillis(300));
    while (first.take("a", 2, 1).granted()) {
      // Until the limit is reached.
    }
    Awaitility.await().until(() -> second.take("a", 2, 1).granted());
  }

  @Test
  void placesAreSharedAndGivenBack() {
    Places first = one.places();
    Places second = other.places();
    assertThat(first.enter("a", 2, "req_1")).isTrue();
    assertThat(second.enter("a", 2, "req_2")).isTrue();
    assertThat(first.enter("a", 2, "req_3")).isFalse();
    first.leave("a", "req_1");
    assertThat(second.enter("a", 2, "req_4")).isTrue();
    assertThat(first.taken()).isZero();
    assertThat(second.taken()).isEqualTo(2);
  }

  @Test
  void thePlacesOfADeadServerAreFreeAfterTheirLeaseAndThoseOfALivingOneAreNot() {
    RedisLimits dying = limits("open", Duration.ofMillis(400));
    RedisLimits living = limits("open", Duration.ofMillis(400));
    Places lost = dying.places();
    Places kept = living.places();
    String account = "lease-" + ThreadLocalRandom.current().nextInt();
    assertThat(lost.enter(account, 2, "req_1")).isTrue();
    assertThat(kept.enter(account, 2, "req_2")).isTrue();
    dying.close();

    Awaitility.await().until(() -> one.places().enter(account, 2, "req_3"));
    assertThat(one.places().enter(account, 2, "req_4")).isFalse();
    living.close();
  }

  @Test
  void withoutRedisAServerCountsAloneOrRefusesAsTheSettingSays() throws Exception {
    try (RedisServer own = RedisServer.start();
        RedisLimits open = new RedisLimits(settings(own.url(), "open"), TimeMeter.SYSTEM_NANOTIME);
        RedisLimits closed =
            new RedisLimits(settings(own.url(), "closed"), TimeMeter.SYSTEM_NANOTIME)) {
      Buckets alone = open.buckets("down", HOUR);
      Buckets refusing = closed.buckets("down", HOUR);
      alone.take("a", 3, 1);
      own.kill();

      assertThat(alone.take("a", 2, 1).granted()).isTrue();
      assertThat(alone.take("a", 2, 1).granted()).isTrue();
      assertThat(alone.take("a", 2, 1).granted()).isFalse();
      assertThat(open.state()).startsWith("redis is down");
      Places places = open.places();
      assertThat(places.enter("a", 1, "req_1")).isTrue();
      assertThat(places.enter("a", 1, "req_2")).isFalse();
      assertThatExceptionOfType(ApiException.class)
          .isThrownBy(() -> refusing.take("a", 3, 1))
          .satisfies(refusal -> assertThat(refusal.error().status()).isEqualTo(503));
      // A request that was served is settled without an error.
      refusing.charge("a", 1);
      refusing.giveBack("a", 1);

      own.resume();
      Awaitility.await()
          .ignoreExceptions()
          .until(
              () -> refusing.take("b", 1_000_000, 1).granted() && closed.state().equals("redis"));
      places.leave("a", "req_1");
      assertThat(places.taken()).isZero();
    } catch (ApiException e) {
      throw new AssertionError(e.error().toString(), e);
    }
  }

  @Test
  void aServerStartsWithoutRedisAndUsesItWhenItIsThere() throws Exception {
    RedisServer late = RedisServer.start();
    late.kill();
    try (late;
        RedisLimits early =
            new RedisLimits(settings(late.url(), "open"), TimeMeter.SYSTEM_NANOTIME)) {
      assertThat(early.state()).startsWith("redis is down");
      late.resume();
      Buckets buckets = early.buckets("late", HOUR);
      Awaitility.await()
          .until(() -> buckets.take("a", 1_000_000, 1).granted() && early.state().equals("redis"));
    }
  }

  @Test
  void reservationsOfADeadServerAreGivenBackBeyondTheirCostOnceTheLedgerHasTheirEnd() {
    Map<String, RequestEnd> ends = new ConcurrentHashMap<>();
    ends.put("req_1", new RequestEnd(new BigDecimal("0.000000000010")));
    String name = "budget-" + ThreadLocalRandom.current().nextInt() + " 2026-11";
    RedisLimits dying = member("ledger/dying", ends);
    Buckets budgets = dying.buckets(RedisLimits.BUDGET, HOUR);
    assertThat(budgets.take(name, 100, 60).granted()).isTrue();
    dying.reservations().took("req_1", name, 60);
    assertThat(budgets.take(name, 100, 30).granted()).isTrue();
    dying.reservations().took("req_2", name, 30);
    dying.close();

    try (RedisLimits living = member("ledger/living", ends);
        RedisLimits third = member("ledger/third", ends);
        RedisLimits stranger = member("other/server", ends)) {
      Buckets seen = stranger.buckets(RedisLimits.BUDGET, HOUR);
      // 60 were reserved and 10 are the cost; 30 belong to a request without an end yet.
      Awaitility.await().until(() -> seen.look(name, 100, 1).remaining() == 60);
      ends.put("req_2", new RequestEnd(BigDecimal.ZERO));
      Awaitility.await().until(() -> seen.look(name, 100, 1).remaining() == 90);
      assertThat(living.reservations().ended("req_9", name)).as("never reserved there").isTrue();
      assertThat(third.state()).isEqualTo("redis");
    }
  }

  private static RedisLimits member(String server, Map<String, RequestEnd> ends) {
    LimitSettings settings = settings(redis.url(), "open");
    return new RedisLimits(
        RedisLimits.connect(settings, TimeMeter.SYSTEM_NANOTIME),
        true,
        settings,
        TimeMeter.SYSTEM_NANOTIME,
        Duration.ofSeconds(1),
        server,
        requestId -> Optional.ofNullable(ends.get(requestId)));
  }

  @Test
  void anInvalidAddressFailsTheStartWithoutShowingItsPassword() {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() ->
            new RedisLimits(settings("http://user:geheim@host", "open"), TimeMeter.SYSTEM_NANOTIME))
        .withMessageContaining("REDIS_URL")
        .withMessageNotContaining("geheim");
  }

  private static RedisLimits limits(String without, Duration lease) {
    return new RedisLimits(settings(redis.url(), without), TimeMeter.SYSTEM_NANOTIME, lease);
  }

  private static LimitSettings settings(String url, String without) {
    return LimitSettings.of(
        Settings.load(Path.of(""), Map.of("REDIS_URL", url, "LIMITS_WITHOUT_REDIS", without)));
  }
}
