package dev.llmproxy.base;

import java.time.Duration;

/**
 * The Responses API.
 *
 * @param keep time for which a response is remembered after its last use; zero for not at all
 */
public record ResponsesSettings(Duration keep) {
  private static final int MOST_MINUTES = 10_080;

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static ResponsesSettings of(Settings settings) {
    return settings.read(ResponsesSettings::read);
  }

  static ResponsesSettings read(SettingsReader in) {
    return new ResponsesSettings(
        Duration.ofMinutes(in.number("RESPONSES_KEEP_MINUTES", 0, MOST_MINUTES)));
  }
}
