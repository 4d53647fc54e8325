package dev.llmproxy.gate;

import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.Reservation;
import dev.llmproxy.call.Tier;
import dev.llmproxy.call.TurnSize;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.GoDuration;
import dev.llmproxy.error.OpenAiErrors;
import io.github.bucket4j.TimeMeter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Clock;
import java.time.Duration;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.apache.camel.ExchangeProperty;

/**
 * Counts what each key, and each person who has signed in, uses against the limits of {@link Tier}.
 * Requests are counted when they arrive. Tokens, money and a place among the concurrent requests
 * are reserved before a request is served, and settled by what it has used when it ends.
 */
public final class Limits {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration DAY = Duration.ofDays(1);

  /** Longer than a month: the bucket of a month's budget is not refilled in this month. */
  private static final Duration MONTH = Duration.ofDays(62);

  /** Nobody knows when another request ends. */
  private static final Duration SOON = Duration.ofSeconds(1);

  /** The SDKs wait for at most a minute. */
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

  private static final int PICODOLLARS = 12;

  private final TimeMeter clock;
  private final Clock calendar;
  private final Spent spent;
  private final Buckets minutes;
  private final Buckets days;
  private final Buckets tokens;
  private final Buckets budgets;
  private final Places places;
  private final Reservations reservations;
  private final Map<Kind, LongAdder> refusals = new EnumMap<>(Kind.class);

  /** A kind of limit. */
  public enum Kind {
    REQUESTS_PER_MINUTE,
    REQUESTS_PER_DAY,
    TOKENS_PER_MINUTE,
    CONCURRENT,
    BUDGET
  }

  /** What an account has spent, by the ledger. */
  @FunctionalInterface
  public interface Spent {
    /**
     * The exact cost of the settled requests of a month.
     *
     * @param month in UTC
     */
    BigDecimal of(Caller caller, YearMonth month);
  }

  /**
   * @param store where the use is counted
   * @param clock a monotonic clock
   * @param calendar the time of day, for months
   */
  public Limits(LimitStore store, TimeMeter clock, Clock calendar, Spent spent) {
    this.clock = clock;
    this.calendar = calendar;
    this.spent = spent;
    minutes = store.buckets("minute", MINUTE);
    days = store.buckets("day", DAY);
    tokens = store.buckets("tokens", MINUTE);
    budgets = store.buckets(RedisLimits.BUDGET, MONTH);
    places = store.places();
    reservations = store.reservations();
    for (Kind kind : Kind.values()) {
      refusals.put(kind, new LongAdder());
    }
  }

  /** The number of requests that a kind of limit has refused since the start. */
  public long refusals(Kind kind) {
    return refusals.get(kind).sum();
  }

  private void refuse(Kind kind) {
    refusals.get(kind).increment();
  }

  /**
   * Counts the request against the limits of requests, and sets the rate limit headers of the
   * answer.
   *
   * @throws dev.llmproxy.error.ApiException 429 when a limit is exceeded
   */
  public void count(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Caller caller = context.caller();
    Tier tier = caller.limits();
    if (tier.requestsPerMinute().unlimited() && tier.requestsPerDay().unlimited()) {
      return;
    }
    String account = caller.account();
    Allowance minute = take(minutes, tier.requestsPerMinute(), account);
    // A request that the minute refuses does not count for the day.
    Allowance day =
        minute == null || minute.granted() ? take(days, tier.requestsPerDay(), account) : null;
    Allowance tighter = tighter(minute, day);
    context.header("x-ratelimit-limit-requests", Long.toString(tighter.limit()));
    context.header("x-ratelimit-remaining-requests", Long.toString(tighter.remaining()));
    context.header("x-ratelimit-reset-requests", GoDuration.text(tighter.untilReset()));
    if (!tighter.granted()) {
      refuse(
          minute != null && !minute.granted() ? Kind.REQUESTS_PER_MINUTE : Kind.REQUESTS_PER_DAY);
      throw refused(caller, minute != null && !minute.granted()).asException();
    }
  }

  /** The one that refuses; else the one with less left. One of them may be null. */
  private static Allowance tighter(Allowance minute, Allowance day) {
    if (minute == null || day == null) {
      return minute == null ? day : minute;
    }
    return day.granted() && minute.remaining() <= day.remaining() ? minute : day;
  }

  private static Allowance take(Buckets buckets, Limit limit, String account) {
    return limit.unlimited() ? null : buckets.take(account, limit.count(), 1);
  }

  /** The error of a request above a limit of requests, with a wait that is long enough for all. */
  private ApiError refused(Caller caller, boolean ofMinute) {
    Tier tier = caller.limits();
    Limit exceeded = ofMinute ? tier.requestsPerMinute() : tier.requestsPerDay();
    Duration wait = longestWait(caller, 0);
    return OpenAiErrors.rateLimited(
        "requests",
        "tier `%s` allows %s requests %s for each key and each person signed in"
            .formatted(tier.name(), exceeded, ofMinute ? "a minute" : "a day"),
        wait,
        wait.compareTo(LONGEST_WAIT) > 0);
  }

  /**
   * The time after which a request like this one is within all limits that time refills.
   *
   * @param tokensNeeded 0 when they are not known yet: then the tokens of a whole minute are waited
   *     for
   */
  private Duration longestWait(Caller caller, long tokensNeeded) {
    Tier tier = caller.limits();
    String account = caller.account();
    Duration wait = Duration.ZERO;
    if (!tier.requestsPerMinute().unlimited()) {
      wait = longer(wait, minutes, account, tier.requestsPerMinute().count(), 1);
    }
    if (!tier.requestsPerDay().unlimited()) {
      wait = longer(wait, days, account, tier.requestsPerDay().count(), 1);
    }
    if (!tier.tokensPerMinute().unlimited()) {
      long limit = tier.tokensPerMinute().count();
      wait = longer(wait, tokens, account, limit, tokensNeeded == 0 ? limit : tokensNeeded);
    }
    return wait;
  }

  private static Duration longer(
      Duration wait, Buckets buckets, String account, long limit, long amount) {
    Duration other = limit == 0 ? DAY : buckets.look(account, limit, amount).untilEnough();
    return other.compareTo(wait) > 0 ? other : wait;
  }

  /**
   * Reserves what the request needs: a place among the concurrent requests, tokens of this minute,
   * and money of this month. Sets the headers for tokens. {@link #settle} must follow, also when
   * this fails.
   *
   * @throws dev.llmproxy.error.ApiException 429 when a limit is exceeded, 403 when the price of a
   *     model is unknown and there is a budget
   */
  public void reserve(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Tier tier = context.caller().limits();
    if (tier.budget().unlimited() && budgets.size() > 0) {
      // Spending goes on uncounted: a later budget reads it from the ledger again.
      budgets.forget(Reserved.budgetName(context.caller().account(), month()));
    }
    if (tier.concurrent().unlimited()
        && tier.tokensPerMinute().unlimited()
        && tier.budget().unlimited()) {
      return;
    }
    Reserved reserved = new Reserved(context);
    context.setReservation(reserved);
    reserved.place();
    if (!tier.tokensPerMinute().unlimited() || !tier.budget().unlimited()) {
      TurnSize size = TurnSize.of(context.call().nextRequest());
      reserved.tokens(size, context);
      reserved.money(size, context.call());
    }
  }

  /**
   * Settles what was reserved: gives back what the request has not used, and counts what it has
   * used beyond. Does nothing without a reservation, and the second time.
   */
  public void settle(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (context.reservation() instanceof Reserved reserved) {
      context.setReservation(null);
      reserved.settle(context.call());
    }
  }

  private YearMonth month() {
    return YearMonth.from(calendar.instant().atOffset(ZoneOffset.UTC));
  }

  /**
   * What a caller has used of each of its limits; without those that have no limit.
   *
   * @param caller with the limits of its tier
   * @throws dev.llmproxy.error.ApiException 503 when the use cannot be read
   */
  public List<LimitUse> use(Caller caller) {
    Tier tier = caller.limits();
    String account = caller.account();
    YearMonth month = month();
    List<LimitUse> use = new ArrayList<>();
    use(use, "requests_per_minute", minutes, account, tier.requestsPerMinute());
    use(use, "requests_per_day", days, account, tier.requestsPerDay());
    use(use, "tokens_per_minute", tokens, account, tier.tokensPerMinute());
    if (!tier.budget().unlimited()) {
      long most = picodollars(tier.budget().most(), RoundingMode.DOWN);
      Allowance state =
          budgets.look(
              Reserved.budgetName(account, month),
              most,
              1,
              () -> picodollars(spent.of(caller, month), RoundingMode.HALF_EVEN));
      use.add(
          new LimitUse(
              "budget_usd_month", tier.budget().most(), dollars(most - state.remaining())));
    }
    return use;
  }

  private static void use(
      List<LimitUse> use, String name, Buckets buckets, String account, Limit limit) {
    if (!limit.unlimited()) {
      long used = limit.count() - buckets.look(account, limit.count(), 1).remaining();
      use.add(new LimitUse(name, limit.most(), BigDecimal.valueOf(used)));
    }
  }

  /** The number of requests under way that have a place among the concurrent requests. */
  public long underWay() {
    return places.taken();
  }

  /** The most that a turn can cost, in US dollars; null when a price is unknown. */
  private static BigDecimal most(TurnSize size, Call call) {
    BigDecimal most = BigDecimal.ZERO;
    for (Target target : call.attempts().possible()) {
      BigDecimal cost = target.cost(List.of(size.most(target)), call.started());
      if (cost == null) {
        return null;
      }
      most = most.max(cost);
    }
    return most;
  }

  private static long picodollars(BigDecimal dollars, RoundingMode rounding) {
    return dollars.setScale(PICODOLLARS, rounding).unscaledValue().longValueExact();
  }

  private static BigDecimal dollars(long picodollars) {
    return BigDecimal.valueOf(picodollars, PICODOLLARS);
  }

  /** What one request has reserved. Only the request's thread uses it. */
  private final class Reserved implements Reservation {
    private final Caller caller;
    private final Tier tier;
    private final String account;
    private final YearMonth month;
    private final String requestId;
    private boolean placed;
    private long tokensTaken;
    private long tokensUntil;
    private long moneyTaken;

    Reserved(RequestContext context) {
      caller = context.caller();
      requestId = context.requestId();
      tier = caller.limits();
      account = caller.account();
      month = month();
    }

    /** Takes a place among the concurrent requests. */
    void place() {
      if (tier.concurrent().unlimited()) {
        return;
      }
      long most = tier.concurrent().count();
      placed = places.enter(account, most, requestId);
      if (!placed) {
        refuse(Kind.CONCURRENT);
        throw OpenAiErrors.rateLimited(
                "requests",
                "tier `%s` allows %d requests at once for each key and each person signed in"
                    .formatted(tier.name(), most),
                SOON,
                false)
            .asException();
      }
    }

    void tokens(TurnSize size, RequestContext context) {
      if (tier.tokensPerMinute().unlimited()) {
        return;
      }
      long limit = tier.tokensPerMinute().count();
      long needed = Math.clamp(size.likely(), 1, Math.max(1, limit));
      boolean tooLarge = size.likelyPrompt() > limit;
      Allowance allowance =
          tooLarge ? tokens.look(account, limit, limit) : tokens.take(account, limit, needed);
      context.header("x-ratelimit-limit-tokens", Long.toString(limit));
      context.header("x-ratelimit-remaining-tokens", Long.toString(allowance.remaining()));
      context.header("x-ratelimit-reset-tokens", GoDuration.text(allowance.untilReset()));
      if (tooLarge || !allowance.granted()) {
        refuse(Kind.TOKENS_PER_MINUTE);
      }
      if (tooLarge) {
        throw OpenAiErrors.tooLargeForLimit(tier.name(), limit, size.likelyPrompt()).asException();
      }
      if (!allowance.granted()) {
        throw OpenAiErrors.rateLimited(
                "tokens",
                "tier `%s` allows %d tokens a minute for each key and each person signed in; this request needs about %d"
                    .formatted(tier.name(), limit, needed),
                longestWait(caller, needed),
                false)
            .asException();
      }
      tokensTaken = needed;
      tokensUntil = clock.currentTimeNanos() + allowance.untilReset().toNanos();
    }

    void money(TurnSize size, Call call) {
      if (tier.budget().unlimited()) {
        return;
      }
      BigDecimal most = most(size, call);
      if (most == null) {
        throw OpenAiErrors.priceUnknown(call.target().modelId()).asException();
      }
      if (most.signum() == 0 && tier.budget().most().signum() > 0) {
        return;
      }
      Allowance allowance = takeMoney(picodollars(most, RoundingMode.UP));
      if (!allowance.granted()) {
        refuse(Kind.BUDGET);
        throw OpenAiErrors.budgetExceeded(
                tier.budget().most(), dollars(allowance.remaining()), most, untilNextMonth())
            .asException();
      }
    }

    private Allowance takeMoney(long amount) {
      long limit = picodollars(tier.budget().most(), RoundingMode.DOWN);
      Allowance allowance =
          budgets.take(
              budgetName(account, month),
              limit,
              amount,
              () -> picodollars(spent.of(caller, month), RoundingMode.HALF_EVEN));
      if (allowance.granted()) {
        moneyTaken += amount;
        reservations.took(requestId, budgetName(account, month), amount);
      }
      return allowance;
    }

    private static String budgetName(String account, YearMonth month) {
      return account + ' ' + month;
    }

    private Duration untilNextMonth() {
      return Duration.between(
          calendar.instant(),
          month.plusMonths(1).atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant());
    }

    @Override
    public boolean coversNextTurn(Call call) {
      if (tier.budget().unlimited()) {
        return true;
      }
      BigDecimal soFar = call.cost(call.soFar());
      BigDecimal next = most(TurnSize.of(call.nextRequest()), call);
      if (soFar == null || next == null) {
        return false;
      }
      long needed = picodollars(soFar.add(next), RoundingMode.UP) - moneyTaken;
      return needed <= 0 || takeMoney(needed).granted();
    }

    void settle(Call call) {
      if (placed) {
        places.leave(account, requestId);
      }
      if (tokensTaken > 0) {
        TokenCount used = TokenCount.sum(call.used());
        long more = (call.fromCache() ? 0 : used.in() + used.out()) - tokensTaken;
        if (more > 0) {
          tokens.charge(account, more);
        } else if (clock.currentTimeNanos() - tokensUntil < 0) {
          tokens.giveBack(account, -more);
        }
      }
      if (moneyTaken > 0) {
        long reserved = reservations.ended(requestId, budgetName(account, month)) ? moneyTaken : 0;
        BigDecimal cost = call.fromCache() ? BigDecimal.ZERO : call.cost(call.used());
        // What has an unknown price has cost what was reserved, and never nothing.
        long more = cost == null ? 0 : picodollars(cost, RoundingMode.HALF_EVEN) - reserved;
        if (more > 0) {
          budgets.charge(budgetName(account, month), more);
        } else {
          budgets.giveBack(budgetName(account, month), -more);
        }
      }
    }
  }
}
