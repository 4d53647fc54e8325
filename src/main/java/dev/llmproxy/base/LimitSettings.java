package dev.llmproxy.base;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Limits for requests.
 *
 * @param requestsPerMinute the limits of tiers by the name of the setting (RATE_LIMIT_ and the
 *     tier), RATE_LIMIT_FREE always among them; an empty value for no limit
 * @param authFailuresPerMinute limit for wrong API keys and ID tokens from one client address
 * @param redisUrl the Redis in which servers count together; empty: each counts alone
 * @param openWithoutRedis whether a server counts alone while Redis cannot be used; otherwise it
 *     refuses what has a limit
 */
public record LimitSettings(
    Map<String, OptionalInt> requestsPerMinute,
    int authFailuresPerMinute,
    Optional<String> redisUrl,
    boolean openWithoutRedis) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static LimitSettings of(Settings settings) {
    return settings.read(LimitSettings::read);
  }

  static LimitSettings read(SettingsReader in) {
    return new LimitSettings(
        in.tierLimits("RATE_LIMIT_", 1, 1_000_000),
        in.number("AUTH_FAILURES_PER_MINUTE", 1, 1_000_000),
        in.optionalText("REDIS_URL"),
        in.word("LIMITS_WITHOUT_REDIS", "open", "closed").equals("open"));
  }
}
