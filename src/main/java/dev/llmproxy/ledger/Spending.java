package dev.llmproxy.ledger;

import java.math.BigDecimal;

/**
 * What requests have cost.
 *
 * @param cost in US dollars, exact; requests of unknown price add nothing
 * @param unpriced the number of requests with tokens whose price is unknown
 */
public record Spending(BigDecimal cost, long unpriced) {
  public static final Spending NONE = new Spending(BigDecimal.ZERO, 0);

  /** The sum of both. */
  Spending plus(Spending other) {
    return new Spending(cost.add(other.cost), unpriced + other.unpriced);
  }
}
