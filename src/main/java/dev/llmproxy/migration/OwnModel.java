package dev.llmproxy.migration;

import java.math.BigDecimal;
import java.util.List;

/**
 * What another gateway's configuration says about a model.
 *
 * @param id the provider's name of the model
 * @param contextLength tokens; 0 when unknown
 * @param maxOutput tokens; 0 when unknown
 * @param abilities as in provider files; empty when unknown
 * @param priceAs the name in the price list; null for {@code id}
 * @param input US dollars for a million prompt tokens; null when unknown
 * @param cached the same for cached prompt tokens; null when unknown
 * @param output the same for completion tokens; null when unknown
 */
record OwnModel(
    String id,
    int contextLength,
    int maxOutput,
    List<String> abilities,
    String priceAs,
    BigDecimal input,
    BigDecimal cached,
    BigDecimal output) {
  /** A model of which only the name is known. */
  static OwnModel named(String id) {
    return new OwnModel(id, 0, 0, List.of(), null, null, null, null);
  }

  /** Whether more than the name is known. */
  boolean described() {
    return !equals(named(id));
  }

  boolean priced() {
    return input != null && output != null;
  }
}
