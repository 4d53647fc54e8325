package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.MovedClock;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.Status;
import dev.llmproxy.call.Tier;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.catalogue.Price;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.Rates;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The limits with a clock that the test moves. docs/wire-contract.md §6 has the answers. */
class LimitsTest {
  private static final Limit NO = Limit.UNLIMITED;

  private final MovedTimeMeter clock = new MovedTimeMeter();
  private final MovedClock calendar = new MovedClock(Instant.parse("2026-11-29T12:00:00Z"));
  private final Map<String, BigDecimal> ledger = new HashMap<>();
  private final Limits limits =
      new Limits(
          LimitStore.inMemory(clock),
          clock,
          calendar,
          (caller, month) -> ledger.getOrDefault(caller.account() + " " + month, BigDecimal.ZERO));

  @RepeatedTest(200)
  void aRefusedRequestIsAdmittedAfterTheTimeOfItsRefusal(RepetitionInfo run) {
    Random random = new Random(run.getCurrentRepetition());
    Tier tier =
        new Tier("t", limit(random, 8), limit(random, 6000), limit(random, 20), NO, NO, null, null);
    Deque<RequestContext> open = new ArrayDeque<>();
    for (int i = 0; i < 60; i++) {
      move(Duration.ofMillis(random.nextInt(20_000)));
      int answer = random.nextInt(1500);
      ApiError refusal = begin(open, tier, answer);
      if (refusal != null && refusal.retryAfter() != null) {
        move(refusal.retryAfter().minusNanos(1));
        // Nothing was admitted too early by the limit that decided.
        move(Duration.ofNanos(1));
        assertThat(begin(open, tier, answer))
            .as("run %d step %d %s", run.getCurrentRepetition(), i, tier)
            .isNull();
      }
      while (!open.isEmpty() && random.nextBoolean()) {
        limits.settle(open.poll());
      }
    }
  }

  @Test
  void aRefusalByTheMinuteDoesNotCountForTheDay() {
    Tier tier = new Tier("t", Limit.of(1), NO, Limit.of(2), NO, NO, null, null);
    assertThat(count(tier)).isNull();
    for (int i = 0; i < 5; i++) {
      assertThat(count(tier).retryAfter()).isEqualTo(Duration.ofMinutes(1));
    }
    move(Duration.ofMinutes(1));
    assertThat(count(tier)).isNull();
    move(Duration.ofMinutes(1));
    ApiError refusal = count(tier);
    assertThat(refusal.retryAfter()).isEqualTo(Duration.ofDays(1).minusMinutes(2));
    assertThat(refusal.retryInVain()).isTrue();
    assertThat(refusal.message()).contains("2 requests a day");
  }

  @Test
  void theTokensOfARequestAreReservedAndSettled() {
    Tier tier = new Tier("t", NO, Limit.of(1000), NO, NO, NO, null, null);
    Request first = request(tier, 100, 400);
    assertThat(reserve(first)).isNull();
    // About 430 tokens are reserved, so that a second one fits and a third does not.
    Request second = request(tier, 100, 400);
    assertThat(reserve(second)).isNull();
    ApiError refusal = reserve(request(tier, 100, 400));
    assertThat(refusal.type()).isEqualTo("tokens");
    assertThat(refusal.code()).isEqualTo("rate_limit_exceeded");

    first.used = new TokenCount(20, 10);
    limits.settle(first.context);
    assertThat(reserve(request(tier, 100, 400))).isNull();

    second.used = new TokenCount(20, 5000);
    limits.settle(second.context);
    move(Duration.ofMinutes(1));
    assertThat(reserve(request(tier, 100, 10))).as("the debt of the last minute").isNotNull();
    move(Duration.ofMinutes(6));
    assertThat(reserve(request(tier, 100, 10))).isNull();
  }

  @Test
  void tokensOfAnEarlierMinuteAreNotGivenBack() {
    Tier tier = new Tier("t", NO, Limit.of(1000), NO, NO, NO, null, null);
    Request slow = request(tier, 40, 900);
    assertThat(reserve(slow)).isNull();
    move(Duration.ofMinutes(1));
    assertThat(reserve(request(tier, 40, 900))).isNull();
    limits.settle(slow.context);
    assertThat(reserve(request(tier, 40, 900))).isNotNull();
  }

  @Test
  void aPromptAboveTheLimitOfTokensIsToldSo() {
    Tier tier = new Tier("t", NO, Limit.of(100), NO, NO, NO, null, null);
    ApiError refusal = reserve(request(tier, 8000, 10));
    assertThat(refusal.retryAfter()).isNull();
    assertThat(refusal.retryInVain()).isTrue();
    assertThat(refusal.message()).startsWith("Request too large: ");
    // A long answer alone does not make a request too large.
    assertThat(reserve(request(tier, 40, 100_000))).isNull();
  }

  @Test
  void concurrentRequestsAreLimitedUntilOneEnds() {
    Tier tier = new Tier("t", NO, NO, NO, Limit.of(2), NO, null, null);
    Request first = request(tier, 10, 10);
    assertThat(reserve(first)).isNull();
    assertThat(reserve(request(tier, 10, 10))).isNull();
    Request third = request(tier, 10, 10);
    ApiError refusal = reserve(third);
    assertThat(refusal.message()).contains("2 requests at once");
    limits.settle(third.context);
    assertThat(reserve(request(tier, 10, 10))).as("a refused request had no place").isNotNull();
    limits.settle(first.context);
    limits.settle(first.context);
    assertThat(reserve(request(tier, 10, 10))).isNull();
    assertThat(reserve(request(tier, 10, 10))).isNotNull();
  }

  @Test
  void aBudgetIsNeverExceededByParallelRequests() throws Exception {
    // Each request can cost 110 bytes * $1 + 1,000 tokens * $10 for a million: at most $0.0102.
    Tier tier = budget("0.1");
    Callable<Boolean> ask = () -> reserve(request(tier, 100, 1000)) == null;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> answers = threads.invokeAll(Collections.nCopies(200, ask));
      assertThat(answers.stream().filter(Future::resultNow)).hasSize(9);
    }
  }

  @Test
  void whatARequestDoesNotSpendIsGivenBackToTheLastDigit() {
    Tier tier = budget("0.0103");
    Request request = request(tier, 100, 1000);
    assertThat(reserve(request)).isNull();
    assertThat(reserve(request(tier, 100, 1000))).isNotNull();
    request.used = new TokenCount(7, 3);
    limits.settle(request.context);
    // $0.000037 is spent: what is left covers exactly this request.
    ApiError refusal = reserve(request(tier, 100, 1500));
    assertThat(refusal.code()).isEqualTo("insufficient_quota");
    assertThat(refusal.message()).contains("$0.010263 of your budget of $0.0103 a month is left");
    assertThat(refusal.retryInVain()).isTrue();
    assertThat(refusal.retryAfter()).isEqualTo(Duration.ofHours(36));
    assertThat(reserve(request(tier, 100, 1000))).isNull();
  }

  @Test
  void theSpendingOfTheLedgerCountsAndANewMonthBeginsWithANewBudget() {
    ledger.put("key 2026-11", new BigDecimal("9.999999999999"));
    Tier tier = budget("10");
    ApiError refusal = reserve(request(tier, 10, 1000));
    assertThat(refusal.message()).contains("$0.000000000001 of your budget of $10.00");
    move(Duration.ofHours(36));
    assertThat(reserve(request(tier, 10, 1000))).isNull();
  }

  @Test
  void aUsedUpBudgetIsSaidToBeUsedUpAndFreeModelsStillAnswer() {
    ledger.put("key 2026-11", new BigDecimal("12"));
    ApiError refusal = reserve(request(budget("10"), 10, 10));
    assertThat(refusal.message()).startsWith("Your budget of $10.00 a month is used up.");
    Request free = request(budget("10"), 10, 10);
    free.target = target("0", "0", 0);
    assertThat(reserve(free)).isNull();
  }

  @Test
  void aHigherBudgetAppliesAtOnceAndABudgetThatComesBackKnowsTheLedger() {
    ledger.put("key 2026-11", new BigDecimal("9.999"));
    assertThat(reserve(request(budget("10"), 10, 1000))).isNotNull();
    assertThat(reserve(request(budget("10.02"), 10, 1000))).isNull();
    assertThat(reserve(request(Tier.of("t", NO), 10, 10))).isNull();
    ledger.put("key 2026-11", new BigDecimal("20"));
    assertThat(reserve(request(budget("10.02"), 10, 1000))).isNotNull();
  }

  @Test
  void aModelOfUnknownPriceIsRefusedWithABudget() {
    Request request = request(budget("10"), 10, 10);
    request.target = new Target("x/y", provider(), "y", null);
    ApiError refusal = reserve(request);
    assertThat(refusal.status()).isEqualTo(403);
    assertThat(refusal.code()).isEqualTo("price_unknown");
  }

  @Test
  void withoutALimitOfTheAnswerTheModelsLongestAnswerIsReserved() {
    Request request = request(budget("1"), 10, 0);
    request.target = target("1", "10", 90_000);
    assertThat(reserve(request)).isNull();
    Request longer = request(budget("1"), 10, 0);
    longer.target = target("1", "10", 110_000);
    assertThat(reserve(longer)).isNotNull();
  }

  @Test
  void anotherTurnIsCoveredOnlyWhileTheBudgetLasts() {
    Request request = request(budget("0.025"), 100, 1000);
    assertThat(reserve(request)).isNull();
    request.used = new TokenCount(100, 1000);
    assertThat(request.context.reservation().coversNextTurn(request)).isTrue();
    request.used = new TokenCount(200, 2000);
    assertThat(request.context.reservation().coversNextTurn(request)).isFalse();
    limits.settle(request.context);
    // $0.0202 is spent.
    assertThat(reserve(request(budget("0.025"), 10, 470))).isNull();
    assertThat(reserve(request(budget("0.025"), 10, 470))).isNotNull();
  }

  @ParameterizedTest
  @CsvSource({"5, 5", "0, 0"})
  void exactlyTheLimitIsAdmittedOfParallelRequests(long most, int admitted) throws Exception {
    Tier tier = new Tier("t", Limit.of(most), NO, NO, NO, NO, null, null);
    Callable<Boolean> ask = () -> count(tier) == null;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> answers = threads.invokeAll(Collections.nCopies(200, ask));
      assertThat(answers.stream().filter(Future::resultNow)).hasSize(admitted);
    }
  }

  private static Limit limit(Random random, int most) {
    return random.nextInt(3) == 0 ? NO : Limit.of(1 + random.nextInt(most));
  }

  private void move(Duration by) {
    clock.move(by);
    calendar.move(by);
  }

  /** Counts and reserves; returns the refusal, or null. A request without a refusal is added. */
  private ApiError begin(Deque<RequestContext> open, Tier tier, int answer) {
    Request request = request(tier, 100, answer);
    ApiError refusal = refusal(() -> limits.count(request.context));
    if (refusal == null) {
      refusal = reserve(request);
    }
    if (refusal == null) {
      open.add(request.context);
    } else {
      limits.settle(request.context);
    }
    return refusal;
  }

  private ApiError count(Tier tier) {
    Request request = request(tier, 10, 10);
    return refusal(() -> limits.count(request.context));
  }

  private ApiError reserve(Request request) {
    return refusal(() -> limits.reserve(request.context));
  }

  private static ApiError refusal(Runnable step) {
    try {
      step.run();
      return null;
    } catch (ApiException e) {
      return e.error();
    }
  }

  private static Tier budget(String dollars) {
    return new Tier("t", NO, NO, NO, NO, new Limit(new BigDecimal(dollars)), null, null);
  }

  private Request request(Tier tier, int promptBytes, int answer) {
    return new Request(tier, promptBytes, answer, calendar);
  }

  private static Provider provider() {
    return new Provider("x", "X", "openai", "http://127.0.0.1:1", "k", null, List.of());
  }

  private static Target target(String input, String output, int maxOutput) {
    Rates rates =
        new Rates(new BigDecimal(input), null, null, null, null, new BigDecimal(output), null);
    Model model =
        new Model(
            "y",
            "Y",
            null,
            0,
            maxOutput,
            List.of(),
            List.of(new Price(null, null, null, rates, List.of(), "test")));
    return new Target("x/y", provider(), "y", model);
  }

  /** A request with a prompt of so many bytes, its field names included. */
  private static final class Request implements Call {
    private final RequestContext context;
    private final ObjectNode body = Json.object();
    private final Instant started;
    private final Caller caller;
    private Target target = LimitsTest.target("1", "10", 0);
    private TokenCount used = new TokenCount(0, 0);

    Request(Tier tier, int promptBytes, int answer, Clock clock) {
      started = clock.instant();
      caller = new Caller("a@example.com", "Test", "key", "t").within(tier);
      if (answer > 0) {
        body.put("max_tokens", answer);
      }
      int names = answer > 0 ? "p".length() + "max_tokens".length() + 1 : 1;
      body.put("p", "x".repeat(Math.max(0, promptBytes - names)));
      context = new RequestContext("req_1", null, started, clock);
      context.setCaller(caller);
      context.setCall(this);
    }

    @Override
    public String requestId() {
      return "req_1";
    }

    @Override
    public String type() {
      return "chat";
    }

    @Override
    public Caller caller() {
      return caller;
    }

    @Override
    public Attempts attempts() {
      return Attempts.at(target);
    }

    @Override
    public Instant started() {
      return started;
    }

    @Override
    public ObjectNode nextRequest() {
      return body;
    }

    @Override
    public void fail(ApiError error) {}

    @Override
    public Status status() {
      return Status.SUCCESS;
    }

    @Override
    public ObjectNode usage() {
      return Json.object();
    }

    @Override
    public List<TokenCount> used() {
      return List.of(used);
    }

    @Override
    public List<TokenCount> soFar() {
      return List.of(used);
    }

    @Override
    public void close() {}
  }
}
