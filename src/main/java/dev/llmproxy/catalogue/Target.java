package dev.llmproxy.catalogue;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

/**
 * The provider and model that serve a request.
 *
 * @param modelId the model as the client asked for it: {@code provider/model}, an alias or the
 *     provider's own name of the model
 * @param provider the provider
 * @param upstreamModel the provider's name of the model
 * @param model its entry in the catalogue; null when the catalogue has none
 * @param dialect how its requests differ from OpenAI's
 * @param prices its prices, as in {@link Price#at}; empty when unknown
 * @param servedModel the model that answers: {@code provider/model}
 */
public record Target(
    String modelId,
    Provider provider,
    String upstreamModel,
    Model model,
    RequestDialect dialect,
    List<Price> prices,
    String servedModel) {

  /** A target with the provider's dialect and the prices of its model. */
  public Target(String modelId, Provider provider, String upstreamModel, Model model) {
    this(
        modelId,
        provider,
        upstreamModel,
        model,
        provider.dialect(),
        model == null ? List.of() : model.prices(),
        provider.name() + "/" + upstreamModel);
  }

  /** This target under the name by which a client asked for it. */
  Target as(String name) {
    return name.equals(modelId)
        ? this
        : new Target(name, provider, upstreamModel, model, dialect, prices, servedModel);
  }

  /** This target with another key of the provider: one of {@link Provider#spares}. */
  public Target with(Provider spare) {
    return new Target(modelId, spare, upstreamModel, model, dialect, prices, servedModel);
  }

  /** Whether the model can call tools; true when its abilities are unknown. */
  public boolean callsTools() {
    return can("tools");
  }

  /** Whether the model has an ability, as in {@link Model}; true when its abilities are unknown. */
  public boolean can(String ability) {
    return model == null || model.abilities().isEmpty() || model.abilities().contains(ability);
  }

  /**
   * The exact cost in US dollars.
   *
   * @param turns the tokens of each turn, because prices may depend on the length of a prompt
   * @param time when the request arrived
   * @return null when a price is unknown
   */
  public BigDecimal cost(List<TokenCount> turns, Instant time) {
    Price price = Price.at(time, prices);
    BigDecimal sum = price == null ? null : BigDecimal.ZERO;
    for (int i = 0; i < turns.size() && sum != null; i++) {
      BigDecimal turn = price.cost(turns.get(i));
      sum = turn == null ? null : sum.add(turn);
    }
    return sum;
  }
}
