package dev.llmproxy.gate;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.GoDuration;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import io.github.bucket4j.TimeMeter;
import org.apache.camel.ExchangeProperty;

/**
 * Lets each key, and each person who has signed in, make as many requests a minute as the tier
 * allows.
 */
public final class RateLimit {
  private final TierLimits tiers;
  // Only keys that the sheet has, and people who are allowed, come here: that is bound enough.
  private final MinuteLimits callers;

  /**
   * @throws Settings.SettingException when a setting {@code RATE_LIMIT_<TIER>} is wrong
   */
  public RateLimit(Settings settings, TimeMeter clock) {
    tiers = new TierLimits(settings);
    callers = new MinuteLimits(Integer.MAX_VALUE, clock);
  }

  /** Whether there is a limit for the tier, rather than that of the tier free. */
  public boolean hasLimit(String tier) {
    return tiers.has(tier);
  }

  /**
   * Counts the request and says in the answer's headers what is left, whatever becomes of it.
   *
   * @throws ApiException 429 when nothing was left
   */
  public void take(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Caller caller = context.caller();
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
    return callers.take(name, tiers.of(caller.tier()));
  }
}
