package dev.llmproxy.ledger;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.OptionalLong;

/**
 * Sums of requests.
 *
 * @param requests settled requests, whatever their outcome
 * @param failed those with the status ERROR or INTERRUPTED
 * @param cancelled those that the client left
 * @param turns calls to providers
 * @param toolCalls tools that the server ran between the turns
 * @param tokensIn prompt tokens
 * @param tokensOut completion tokens
 * @param cost in US dollars, exact; requests of unknown price add nothing
 * @param unpriced requests with tokens whose price is unknown
 * @param meanMillis the mean time from admission to the end
 * @param medianMillis half of the successful requests took at most about this time; empty when it
 *     is not known
 * @param p95Millis 95 % of the successful requests took at most about this time; empty when it is
 *     not known
 */
public record UsageSum(
    long requests,
    long failed,
    long cancelled,
    long turns,
    long toolCalls,
    BigInteger tokensIn,
    BigInteger tokensOut,
    BigDecimal cost,
    long unpriced,
    long meanMillis,
    OptionalLong medianMillis,
    OptionalLong p95Millis) {
  /** No requests. */
  public static final UsageSum NONE =
      new UsageSum(
          0,
          0,
          0,
          0,
          0,
          BigInteger.ZERO,
          BigInteger.ZERO,
          BigDecimal.ZERO,
          0,
          0,
          OptionalLong.empty(),
          OptionalLong.empty());

  /** Whether no price of the requests is known, so that the cost is unknown rather than 0. */
  public boolean costUnknown() {
    return unpriced > 0 && cost.signum() == 0;
  }
}
