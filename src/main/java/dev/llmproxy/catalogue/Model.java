package dev.llmproxy.catalogue;

import java.time.Instant;
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
 * @param prices its prices, as in {@link Price#at}; empty when unknown
 */
public record Model(
    String id,
    String label,
    LocalDate released,
    int contextLength,
    int maxOutput,
    List<String> abilities,
    List<Price> prices) {
  public Model {
    abilities = abilities == null ? List.of() : List.copyOf(abilities);
    prices = List.copyOf(prices);
  }

  /** A model of a provider's own list. */
  static Model of(ModelListing.Listed listed, List<Price> prices) {
    return new Model(
        listed.id(),
        listed.label() == null ? listed.id() : listed.label(),
        null,
        listed.contextLength(),
        listed.maxOutput(),
        listed.abilities(),
        prices);
  }

  /** This model with what the provider's own list says and its file does not. */
  Model or(ModelListing.Listed listed) {
    return new Model(
        id,
        label.equals(id) && listed.label() != null ? listed.label() : label,
        released,
        contextLength > 0 ? contextLength : listed.contextLength(),
        maxOutput > 0 ? maxOutput : listed.maxOutput(),
        abilities.isEmpty() ? listed.abilities() : abilities,
        prices);
  }

  /** The price at this time; null when unknown. */
  public Price price(Instant time) {
    return Price.at(time, prices);
  }

  /** The start of the day of publication in seconds since 1970, or 0 when unknown. */
  public long created() {
    return released == null ? 0 : released.toEpochSecond(LocalTime.MIN, ZoneOffset.UTC);
  }
}
