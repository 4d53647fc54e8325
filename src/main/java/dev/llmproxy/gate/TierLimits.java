package dev.llmproxy.gate;

import dev.llmproxy.base.Settings;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The requests a minute of each tier, from the settings {@code RATE_LIMIT_<TIER>}. A tier without a
 * setting has the limit of the tier free, so that a typing error in the sheet does not remove the
 * limit.
 */
final class TierLimits {
  private static final Logger LOG = LoggerFactory.getLogger(TierLimits.class);
  private static final String PREFIX = "RATE_LIMIT_";
  private static final String FREE = PREFIX + "FREE";
  private static final int MOST = 1_000_000;

  private final Map<String, Integer> bySetting = new HashMap<>();
  private final ConcurrentHashMap<String, Integer> byTier = new ConcurrentHashMap<>();

  /**
   * @throws Settings.SettingException when a limit is not a whole number from 1 to a million, or
   *     the limit of the tier free is missing
   */
  TierLimits(Settings settings) {
    bySetting.put(FREE, settings.integer(FREE, 1, MOST));
    for (String name : settings.asMap().keySet()) {
      if (name.startsWith(PREFIX) && settings.find(name).isPresent()) {
        bySetting.put(name, settings.integer(name, 1, MOST));
      }
    }
  }

  /** Requests a minute for a key of the tier. */
  int of(String tier) {
    Integer known = byTier.get(tier);
    return known != null ? known : byTier.computeIfAbsent(tier, this::find);
  }

  /** Whether the tier has a limit of its own. Otherwise it has the limit of the tier free. */
  boolean has(String tier) {
    return bySetting.containsKey(Settings.ofTier(PREFIX, tier));
  }

  private int find(String tier) {
    String setting = Settings.ofTier(PREFIX, tier);
    Integer limit = bySetting.get(setting);
    if (limit == null) {
      LOG.warn(
          "Tier \"{}\" has no limit of its own and gets the limit of the tier free; set {}",
          tier,
          setting);
      return bySetting.get(FREE);
    }
    return limit;
  }
}
