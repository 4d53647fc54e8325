package dev.llmproxy.catalogue;

import java.math.BigDecimal;

/**
 * The provider and model that serve a request.
 *
 * @param modelId what the client asked for: {@code provider/model}
 * @param provider the provider
 * @param upstreamModel what the provider calls the model
 * @param model its entry in the catalogue, or null when the provider is on and the model is passed
 *     on as it is
 */
public record Target(String modelId, Provider provider, String upstreamModel, Model model) {
  /** Whether the model can call tools; one that is not in the catalogue is taken to be able. */
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
