package dev.llmproxy.tool;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.TextStyle;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.camel.Body;

/** The current time in a time zone. */
public final class WorldClock {
  private final Clock clock;

  public WorldClock() {
    this(Clock.systemUTC());
  }

  WorldClock(Clock clock) {
    this.clock = clock;
  }

  /**
   * The current time.
   *
   * @param arguments {@code time_zone}: an IANA name; UTC when absent
   * @return {@code time} (ISO 8601 with offset, whole seconds), {@code weekday} and {@code
   *     time_zone}
   * @throws ToolException when the time zone does not exist
   */
  public Map<String, Object> now(@Body Map<String, Object> arguments) {
    String name = (String) arguments.getOrDefault("time_zone", "UTC");
    ZoneId zone;
    try {
      zone = ZoneId.of(name);
    } catch (DateTimeException e) {
      throw new ToolException(
          "There is no time zone \"%s\". Use an IANA name such as Europe/Berlin.".formatted(name),
          e);
    }
    ZonedDateTime now = clock.instant().atZone(zone).truncatedTo(ChronoUnit.SECONDS);
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("time", now.format(DateTimeFormatter.ISO_OFFSET_DATE_TIME));
    answer.put("weekday", now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH));
    answer.put("time_zone", zone.getId());
    return answer;
  }
}
