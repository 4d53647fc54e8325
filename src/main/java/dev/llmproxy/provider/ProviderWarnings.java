package dev.llmproxy.provider;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the operator, once each, what is odd about providers' answers. Thread-safe. */
public final class ProviderWarnings {
  private static final Logger LOG = LoggerFactory.getLogger(ProviderWarnings.class);

  /** A provider that is odd in ever new ways does not fill the memory, or the log. */
  private static final int MOST = 1000;

  private final Set<String> said = ConcurrentHashMap.newKeySet();

  /** Warns of counts that no turn can have. */
  public void ofUsage(String provider, TurnUsage usage) {
    if (usage.absurd() != null) {
      once(
          provider,
          "reports usage that no turn can have (" + usage.absurd() + "); an estimate is recorded");
    }
  }

  /** Warns of a provider, unless it has been said; {@code what} ends the sentence. */
  public void once(String provider, String what) {
    String warning = "The provider `" + provider + "` " + what;
    if (said.size() < MOST && said.add(warning)) {
      LOG.warn("{}.", warning);
    }
  }
}
