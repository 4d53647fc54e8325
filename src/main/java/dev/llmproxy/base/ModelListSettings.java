package dev.llmproxy.base;

import java.time.Duration;

/**
 * The providers' own lists of models.
 *
 * @param on whether they are read
 * @param interval time between two readings
 * @param find whether providers that run on this machine are found without being configured
 */
public record ModelListSettings(boolean on, Duration interval, boolean find) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static ModelListSettings of(Settings settings) {
    return settings.read(ModelListSettings::read);
  }

  static ModelListSettings read(SettingsReader in) {
    return new ModelListSettings(
        in.on("LIVE_MODELS"), in.seconds("MODELS_REFRESH_SECONDS"), in.on("FIND_LOCAL_PROVIDERS"));
  }
}
