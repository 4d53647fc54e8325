package dev.llmproxy.base;

import java.util.OptionalInt;

/**
 * Health and metrics.
 *
 * @param managementPort a port of its own for health and metrics, 0 for any free one; empty for the
 *     port of the API
 * @param metricsFrom networks besides loopback that may read metrics
 */
public record MonitoringSettings(OptionalInt managementPort, Networks metricsFrom) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static MonitoringSettings of(Settings settings) {
    return settings.read(MonitoringSettings::read);
  }

  static MonitoringSettings read(SettingsReader in) {
    return new MonitoringSettings(in.optionalPort("MANAGEMENT_PORT"), in.networks("METRICS_FROM"));
  }
}
