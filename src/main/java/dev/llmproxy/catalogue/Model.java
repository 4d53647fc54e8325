package dev.llmproxy.catalogue;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;

/**
 * A model in the catalogue.
 *
 * @param id the upstream model: what the provider calls it
 * @param label what people call it
 * @param released the day it was published, or null when unknown
 * @param contextLength in tokens, or 0 when unknown
 * @param maxOutput most tokens of an answer, or 0 when unknown
 * @param abilities e.g. {@code chat}, {@code tools}, {@code vision}, {@code embeddings}
 * @param price what it costs, or null when unknown
 */
public record Model(
    String id,
    String label,
    LocalDate released,
    int contextLength,
    int maxOutput,
    List<String> abilities,
    Price price) {
  public Model {
    abilities = abilities == null ? List.of() : List.copyOf(abilities);
  }

  /** The start of the day it was published, in seconds since 1970, or 0 when that is unknown. */
  public long created() {
    return released == null ? 0 : released.toEpochSecond(LocalTime.MIN, ZoneOffset.UTC);
  }

  /**
   * @param input US dollars for a million prompt tokens
   * @param cached US dollars for a million prompt tokens that the provider had kept from an earlier
   *     request, which are part of the prompt; null when they cost the same
   * @param output US dollars for a million completion tokens
   * @param from the day these hold from
   * @param source where they stand
   */
  public record Price(
      BigDecimal input, BigDecimal cached, BigDecimal output, LocalDate from, String source) {
    /** One that takes the whole prompt as it comes. */
    public Price(BigDecimal input, BigDecimal output, LocalDate from, String source) {
      this(input, null, output, from, source);
    }

    /** What this many tokens cost, in US dollars, exactly. */
    public BigDecimal of(long promptTokens, long completionTokens) {
      return of(promptTokens, 0, completionTokens);
    }

    /**
     * What this many tokens cost, in US dollars, exactly.
     *
     * @param cachedTokens those of the prompt's that the provider had kept; at most as many
     */
    public BigDecimal of(long promptTokens, long cachedTokens, long completionTokens) {
      return input
          .multiply(BigDecimal.valueOf(promptTokens - cachedTokens))
          .add((cached == null ? input : cached).multiply(BigDecimal.valueOf(cachedTokens)))
          .add(output.multiply(BigDecimal.valueOf(completionTokens)))
          .movePointLeft(6);
    }
  }
}
