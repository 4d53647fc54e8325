package dev.llmproxy.gate;

import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.Settings;
import java.util.Map;
import java.util.OptionalInt;
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

  private final Map<String, OptionalInt> bySetting;
  private final ConcurrentHashMap<String, OptionalInt> byTier = new ConcurrentHashMap<>();

  TierLimits(LimitSettings settings) {
    bySetting = settings.requestsPerMinute();
  }

  /** Requests a minute for a key of the tier; empty for no limit. */
  OptionalInt of(String tier) {
    OptionalInt known = byTier.get(tier);
    return known != null ? known : byTier.computeIfAbsent(tier, this::find);
  }

  /** Whether the tier has a limit of its own. Otherwise it has the limit of the tier free. */
  boolean has(String tier) {
    return bySetting.containsKey(Settings.ofTier(PREFIX, tier));
  }

  private OptionalInt find(String tier) {
    String setting = Settings.ofTier(PREFIX, tier);
    OptionalInt limit = bySetting.get(setting);
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
