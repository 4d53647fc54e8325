package dev.llmproxy.catalogue;

import java.math.BigDecimal;

/**
 * The provider and model that serve a request.
 *
 * @param modelId the client's model: {@code provider/model}
 * @param provider the provider
 * @param upstreamModel the provider's name of the model
 * @param model its entry in the catalogue; null when the catalogue has none
 */
public record Target(String modelId, Provider provider, String upstreamModel, Model model) {
  /** Whether the model can call tools; true when its abilities are unknown. */
  public boolean callsTools() {
    return model == null || model.abilities().isEmpty() || model.abilities().contains("tools");
  }

  /** The cost of the tokens in US dollars; null when the model's price is unknown. */
  public BigDecimal cost(TokenCount tokens) {
    return model == null || model.price() == null
        ? null
        : model.price().of(tokens.in(), tokens.cached(), tokens.out());
  }
}
