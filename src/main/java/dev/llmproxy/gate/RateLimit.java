package dev.llmproxy.gate;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.GoDuration;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import io.github.bucket4j.TimeMeter;
import org.apache.camel.ExchangeProperty;

/**
 * Limits the requests a minute of each key, and of each person who has signed in, to those of the
 * tier.
 */
public final class RateLimit {
  private final TierLimits tiers;
  // No bound needed: only keys of the sheet and allowed people reach this limit.
  private final MinuteLimits callers;

  public RateLimit(LimitSettings settings, TimeMeter clock) {
    tiers = new TierLimits(settings);
    callers = new MinuteLimits(Integer.MAX_VALUE, clock);
  }

  /** Whether the tier has a limit of its own. Otherwise it has the limit of the tier free. */
  public boolean hasLimit(String tier) {
    return tiers.has(tier);
  }

  /**
   * Counts the request and sets the rate limit headers of the answer. A tier without a limit is not
   * counted.
   *
   * @throws ApiException 429 when the limit is exceeded
   */
  public void take(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Caller caller = context.caller();
    if (tiers.of(caller.tier()).isEmpty()) {
      return;
    }
    Allowance allowance = take(caller);
    Reply reply = context.reply();
    reply.header("x-ratelimit-limit-requests", Integer.toString(allowance.limit()));
    reply.header("x-ratelimit-remaining-requests", Long.toString(allowance.remaining()));
    reply.header("x-ratelimit-reset-requests", GoDuration.text(allowance.untilReset()));
    if (!allowance.granted()) {
      throw OpenAiErrors.rateLimited(caller.tier(), allowance.limit(), allowance.untilReset())
          .asException();
    }
  }

  Allowance take(Caller caller) {
    String name = caller.isPerson() ? EmailAddress.folded(caller.email()) : caller.keyHash();
    return callers.take(name, tiers.of(caller.tier()).orElseThrow());
  }
}
