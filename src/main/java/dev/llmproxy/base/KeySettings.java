package dev.llmproxy.base;

import java.time.Duration;
import java.util.Optional;

/**
 * The key directory.
 *
 * @param refresh time between two reads of the sheet
 * @param snapshot age at which the keys of the last read are no longer used; empty for no snapshot
 */
public record KeySettings(Duration refresh, Optional<Duration> snapshot) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static KeySettings of(Settings settings) {
    return settings.read(KeySettings::read);
  }

  static KeySettings read(SettingsReader in) {
    return new KeySettings(
        in.seconds("KEYS_REFRESH_SECONDS"), in.hoursOrNone("KEYS_SNAPSHOT_HOURS", 8760));
  }
}
