package dev.llmproxy.provider;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs warnings about unusual answers of providers, each warning once. Thread-safe. */
public final class ProviderWarnings {
  private static final Logger LOG = LoggerFactory.getLogger(ProviderWarnings.class);

  /** Limits memory and log when a provider causes ever new warnings. */
  private static final int MOST = 1000;

  private final Set<String> logged = ConcurrentHashMap.newKeySet();

  /** Warns when a provider reports impossible token counts. */
  public void ofUsage(String provider, TurnUsage usage) {
    if (usage.impossible() != null) {
      once(
          provider,
          "reports usage that no turn can have ("
              + usage.impossible()
              + "); an estimate is recorded");
    }
  }

  /**
   * Warns about a provider, once for each text.
   *
   * @param what the end of the sentence "The provider `name` …", without the full stop
   */
  public void once(String provider, String what) {
    String warning = "The provider `" + provider + "` " + what;
    if (logged.size() < MOST && logged.add(warning)) {
      LOG.warn("{}.", warning);
    }
  }
}
