package dev.llmproxy.base;

import java.time.Duration;
import java.util.Optional;

/**
 * Attempts at providers.
 *
 * @param retries how often all targets of a request are asked again when all have failed
 * @param patience no attempt of a turn begins after this time
 * @param firstToken time limit for the first content while another target is left
 * @param total time limit for one answer; empty for none
 * @param breaker when a model is not asked for a time; empty for never
 */
public record RoutingSettings(
    int retries,
    Duration patience,
    Duration firstToken,
    Optional<Duration> total,
    Optional<Breaker> breaker) {

  /**
   * When a model is not asked for a time.
   *
   * @param failurePercent at this share of failures
   * @param calls among the last calls of this number
   * @param pause the time
   */
  public record Breaker(int failurePercent, int calls, Duration pause) {}

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static RoutingSettings of(Settings settings) {
    return settings.read(RoutingSettings::read);
  }

  static RoutingSettings read(SettingsReader in) {
    int calls = in.number("BREAKER_CALLS", 1, 10_000);
    Duration pause = in.seconds("BREAKER_SECONDS");
    return new RoutingSettings(
        in.number("PROVIDER_RETRIES", 0, 10),
        in.seconds("PROVIDER_PATIENCE_SECONDS"),
        in.seconds("PROVIDER_FIRST_TOKEN_SECONDS"),
        in.secondsOrUnlimited("PROVIDER_TOTAL_SECONDS"),
        in.limit("BREAKER_FAILURE_PERCENT", 1, 100).stream()
            .mapToObj(percent -> new Breaker(percent, calls, pause))
            .findFirst());
  }
}
