package dev.llmproxy.monitoring;

import dev.llmproxy.catalogue.Target;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The provider and model of metrics.
 *
 * @param provider the provider's name in the catalogue
 * @param model the provider's own name of the model; {@link BoundedNames#OTHER} for a name that has
 *     no label of its own
 */
record ModelLabel(String provider, String model) {
  /** For requests that were refused before a model was known. */
  static final ModelLabel NONE = new ModelLabel("none", "none");

  /**
   * The labels of models. A model of the catalogue has its own one; so have the first others that
   * have answered. Other names are only what a client has made up.
   */
  static final class Labels {
    private static final int MOST_UNLISTED = 200;

    private final Map<String, ModelLabel> listed = new ConcurrentHashMap<>();
    private final Map<String, ModelLabel> others = new ConcurrentHashMap<>();
    private final BoundedNames unlisted = new BoundedNames(MOST_UNLISTED);

    /**
     * The label of a target.
     *
     * @param answered whether its model has answered
     */
    ModelLabel of(Target target, boolean answered) {
      String name = target.servedModel();
      ModelLabel known = listed.get(name);
      if (known != null) {
        return known;
      }
      boolean own = target.model() != null || unlisted.knows(name);
      if (own || (answered && unlisted.has(name))) {
        return listed.computeIfAbsent(
            name, added -> new ModelLabel(target.provider().name(), target.upstreamModel()));
      }
      return others.computeIfAbsent(
          target.provider().name(), provider -> new ModelLabel(provider, BoundedNames.OTHER));
    }
  }
}
