package dev.llmproxy.provider;

/**
 * Where a request goes.
 *
 * @param modelId what the client asked for: {@code provider/model}
 * @param provider the provider
 * @param upstreamModel what the provider calls the model
 * @param model its entry in the catalogue, or null when the provider is on and the model is passed
 *     on as it is
 */
public record Target(String modelId, Provider provider, String upstreamModel, Model model) {}
