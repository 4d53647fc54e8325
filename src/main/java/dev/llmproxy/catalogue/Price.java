package dev.llmproxy.catalogue;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.List;

/**
 * What a model costs, and when. A model may have several prices; the last one that is valid at the
 * time of the request counts ({@link #at}).
 *
 * @param from the first day in UTC on which it is valid, or null for always
 * @param dailyFrom the time of day in UTC from which it is valid, or null for all day
 * @param dailyTo the time of day in UTC at which it ends, or null for all day; before {@code
 *     dailyFrom} when it is valid over midnight
 * @param rates the prices of the tokens
 * @param tiers other prices for long prompts
 * @param source where the price comes from, for people; null when unknown
 */
public record Price(
    LocalDate from,
    LocalTime dailyFrom,
    LocalTime dailyTo,
    Rates rates,
    List<Tier> tiers,
    String source) {
  /**
   * The prices of all tokens of a request with a long prompt.
   *
   * @param above the request has more prompt tokens than this
   * @param rates the prices of the tokens
   */
  public record Tier(long above, Rates rates) {}

  public Price {
    tiers = tiers.stream().sorted(Comparator.comparingLong(Tier::above)).toList();
  }

  /** The price at this time; null when none is known. */
  static Price at(Instant time, List<Price> prices) {
    for (int i = prices.size() - 1; i >= 0; i--) {
      if (prices.get(i).valid(time)) {
        return prices.get(i);
      }
    }
    return null;
  }

  /** The exact cost of one turn in US dollars; null when the price of a part is unknown. */
  public BigDecimal cost(TokenCount turn) {
    Rates valid = rates;
    for (Tier tier : tiers) {
      if (turn.in() > tier.above()) {
        valid = tier.rates();
      }
    }
    return valid.cost(turn);
  }

  private boolean valid(Instant time) {
    if (from == null && dailyFrom == null) {
      return true;
    }
    OffsetDateTime utc = time.atOffset(ZoneOffset.UTC);
    return (from == null || !utc.toLocalDate().isBefore(from))
        && (dailyFrom == null || within(utc.toLocalTime()));
  }

  private boolean within(LocalTime time) {
    boolean begun = !time.isBefore(dailyFrom);
    boolean over = !time.isBefore(dailyTo);
    return dailyTo.isBefore(dailyFrom) ? begun || !over : begun && !over;
  }
}
