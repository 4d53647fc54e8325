package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WorldClockTest {
  private final WorldClock clock =
      new WorldClock(Clock.fixed(Instant.parse("2026-03-29T01:30:00.5Z"), ZoneOffset.UTC));

  @Test
  void utcIsTheDefault() {
    assertThat(clock.now(Map.of()))
        .containsEntry("time", "2026-03-29T01:30:00Z")
        .containsEntry("weekday", "Sunday")
        .containsEntry("time_zone", "UTC");
  }

  @Test
  void timeZonesHaveTheirSummerTime() {
    assertThat(clock.now(Map.of("time_zone", "Europe/Berlin")))
        .containsEntry("time", "2026-03-29T03:30:00+02:00");
    assertThat(clock.now(Map.of("time_zone", "America/Los_Angeles")))
        .containsEntry("weekday", "Saturday");
  }

  @Test
  void unknownTimeZonesFail() {
    assertThatThrownBy(() -> clock.now(Map.of("time_zone", "Berlin")))
        .isInstanceOf(ToolException.class)
        .hasMessageContaining("Europe/Berlin");
  }
}
