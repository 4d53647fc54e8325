package dev.llmproxy.catalogue;

import java.util.List;

/**
 * Where the listed models of a provider come from.
 *
 * @param path the path of the provider's own list below its base URL
 * @param listed which models are listed
 * @param hide the provider's names of models that are not listed
 */
record ModelSource(String path, Listed listed, List<NamePattern> hide) {
  /** A provider whose own list is at the usual place. */
  static final ModelSource USUAL = new ModelSource("/models", Listed.BOTH, List.of());

  /** Which models of a provider are listed. */
  enum Listed {
    /** Those of the provider's own list. What the file says about them wins. */
    LIVE,
    /** Those of the file; the provider's list is not read. */
    FILE,
    /** Those of both. */
    BOTH
  }

  ModelSource {
    hide = List.copyOf(hide);
  }

  /** Whether the provider's own list is read. */
  boolean isLive() {
    return listed != Listed.FILE;
  }

  /** Whether the model is not listed. */
  boolean hides(String model) {
    return hide.stream().anyMatch(pattern -> pattern.matches(model));
  }
}
