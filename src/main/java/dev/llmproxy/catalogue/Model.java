package dev.llmproxy.catalogue;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;

/**
 * A model in the catalogue.
 *
 * @param id the upstream model: the provider's name of the model
 * @param label the name for people
 * @param released the day of its publication, or null when unknown
 * @param contextLength in tokens, or 0 when unknown
 * @param maxOutput the largest number of tokens of an answer, or 0 when unknown
 * @param abilities e.g. {@code chat}, {@code tools}, {@code vision}, {@code embeddings}
 * @param price null when unknown
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

  /** The start of the day of publication in seconds since 1970, or 0 when unknown. */
  public long created() {
    return released == null ? 0 : released.toEpochSecond(LocalTime.MIN, ZoneOffset.UTC);
  }

  /**
   * @param input US dollars for a million prompt tokens
   * @param cached US dollars for a million prompt tokens from the provider's cache, which are part
   *     of the prompt tokens; null when they cost the same
   * @param output US dollars for a million completion tokens
   * @param from the day from which these prices are valid
   * @param source the page that lists them
   */
  public record Price(
      BigDecimal input, BigDecimal cached, BigDecimal output, LocalDate from, String source) {
    /** A price without a reduction for cached tokens. */
    public Price(BigDecimal input, BigDecimal output, LocalDate from, String source) {
      this(input, null, output, from, source);
    }

    /** The exact cost of the tokens in US dollars. */
    public BigDecimal of(long promptTokens, long completionTokens) {
      return of(promptTokens, 0, completionTokens);
    }

    /**
     * The exact cost of the tokens in US dollars.
     *
     * @param cachedTokens the prompt tokens from the provider's cache; at most promptTokens
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
