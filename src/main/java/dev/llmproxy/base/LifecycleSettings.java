package dev.llmproxy.base;

import java.time.Duration;

/**
 * The stop of the server, and edits of its files while it runs.
 *
 * @param drain how long running requests may go on after the server has begun to refuse new ones
 * @param drainDelay how long the server accepts requests after it has said that it is not ready
 * @param watch whether edited files are read without being asked to
 * @param oldRoutes how long requests may go on with routes that were replaced
 */
public record LifecycleSettings(
    Duration drain, Duration drainDelay, boolean watch, Duration oldRoutes) {
  private static final int MOST_SECONDS = 3600;

  static LifecycleSettings read(SettingsReader in) {
    return new LifecycleSettings(
        in.seconds("DRAIN_SECONDS", 0, MOST_SECONDS),
        in.seconds("DRAIN_DELAY_SECONDS", 0, MOST_SECONDS),
        in.on("ROUTES_WATCH"),
        in.seconds("ROUTES_DRAIN_SECONDS"));
  }
}
