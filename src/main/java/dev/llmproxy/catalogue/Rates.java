package dev.llmproxy.catalogue;

import java.math.BigDecimal;

/**
 * Prices in US dollars for a million tokens. A part without a price of its own costs as much as the
 * whole it belongs to: without {@code cacheWrite1h}, {@code cacheWrite}; without the others, {@code
 * input} or {@code output}.
 *
 * @param input prompt tokens; null when unknown
 * @param cached prompt tokens from the provider's cache, or null
 * @param cacheWrite prompt tokens that the provider writes into its cache, or null
 * @param cacheWrite1h those that it keeps for an hour, or null
 * @param audioInput prompt tokens of sounds, or null
 * @param output completion tokens, reasoning included; null when unknown
 * @param audioOutput completion tokens of sounds, or null
 */
public record Rates(
    BigDecimal input,
    BigDecimal cached,
    BigDecimal cacheWrite,
    BigDecimal cacheWrite1h,
    BigDecimal audioInput,
    BigDecimal output,
    BigDecimal audioOutput) {

  /** The exact cost of the tokens in US dollars; null when the price of one of them is unknown. */
  public BigDecimal cost(TokenCount tokens) {
    BigDecimal write = or(cacheWrite, input);
    long plain = tokens.in() - tokens.cached() - tokens.cacheWrite() - tokens.audioIn();
    BigDecimal[] prices = {
      input,
      or(cached, input),
      write,
      or(cacheWrite1h, write),
      or(audioInput, input),
      output,
      or(audioOutput, output)
    };
    long[] counts = {
      plain,
      tokens.cached(),
      tokens.cacheWrite() - tokens.cacheWrite1h(),
      tokens.cacheWrite1h(),
      tokens.audioIn(),
      tokens.out() - tokens.audioOut(),
      tokens.audioOut()
    };
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        if (prices[i] == null) {
          return null;
        }
        sum = sum.add(prices[i].multiply(BigDecimal.valueOf(counts[i])));
      }
    }
    return sum.movePointLeft(6);
  }

  private static BigDecimal or(BigDecimal price, BigDecimal other) {
    return price == null ? other : price;
  }
}
