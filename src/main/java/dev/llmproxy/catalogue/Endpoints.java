package dev.llmproxy.catalogue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The endpoints that a provider has beside those for chats and embeddings. Paths are below its base
 * URL.
 *
 * @param completions its endpoint for completions; null for none
 * @param responses whether it has {@code /responses} and speaks OpenAI's Responses format there
 * @param paths the paths of its other endpoints
 */
public record Endpoints(
    Completions completions, boolean responses, Map<MediaEndpoint, String> paths) {
  /** A provider with none. */
  public static final Endpoints NONE = new Endpoints(null, false, Map.of());

  public Endpoints {
    paths = Map.copyOf(paths);
  }

  /**
   * A provider's endpoint for completions.
   *
   * @param path its path, e.g. {@code /completions}
   * @param models names of the models that it serves, with {@code *} for any text; empty for all
   * @param only the fields that it takes; empty for all
   */
  public record Completions(String path, List<String> models, Set<String> only) {
    public Completions {
      models = List.copyOf(models);
      only = Set.copyOf(only);
    }

    boolean serves(String upstreamModel) {
      return models.isEmpty()
          || models.stream().anyMatch(name -> new NamePattern(name).matches(upstreamModel));
    }
  }

  /** The same without {@link #responses}. */
  Endpoints withoutResponses() {
    return new Endpoints(completions, false, paths);
  }

  /** The endpoint for completions of a model; empty when the model has none. */
  public Optional<Completions> completions(String upstreamModel) {
    return Optional.ofNullable(completions).filter(each -> each.serves(upstreamModel));
  }

  /** The path of an endpoint; empty when the provider does not have it. */
  public Optional<String> path(MediaEndpoint endpoint) {
    return Optional.ofNullable(paths.get(endpoint));
  }
}
