package dev.llmproxy.base;

import java.time.Duration;

/**
 * The response cache.
 *
 * @param bytes memory for stored answers; 0 when the cache is off
 * @param life time for which an answer is stored
 */
public record CacheSettings(long bytes, Duration life) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static CacheSettings of(Settings settings) {
    return settings.read(CacheSettings::read);
  }

  static CacheSettings read(SettingsReader in) {
    return new CacheSettings(
        in.megabytes("RESPONSE_CACHE_MB", 0, 1 << 20), in.seconds("RESPONSE_CACHE_SECONDS"));
  }
}
