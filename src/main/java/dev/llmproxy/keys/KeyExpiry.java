package dev.llmproxy.keys;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the expiry of a key from the column {@code Expires At} and the command line. A key with a
 * date without a time is valid until the end of that day, UTC. A time without an offset is UTC.
 */
public final class KeyExpiry {
  private static final Pattern NUMBER = Pattern.compile("\\d{1,6}(\\.\\d+)?");
  private static final Pattern DAYS = Pattern.compile("([1-9]\\d{0,4})d");
  // Day 0 of the serial numbers of spreadsheets.
  private static final LocalDate DAY_ZERO = LocalDate.of(1899, 12, 30);
  private static final BigDecimal MILLIS_A_DAY = BigDecimal.valueOf(Duration.ofDays(1).toMillis());

  private KeyExpiry() {}

  /**
   * The time that a cell names.
   *
   * @param cell not blank: an ISO-8601 date, local date-time or date-time with offset, or a
   *     spreadsheet's serial number of a date
   * @return empty when the cell is none of these
   */
  public static Optional<Instant> ofCell(String cell) {
    String text = cell.strip();
    try {
      if (NUMBER.matcher(text).matches()) {
        return Optional.of(ofSerial(new BigDecimal(text)));
      }
      if (text.indexOf('T') < 0) {
        return Optional.of(endOf(LocalDate.parse(text)));
      }
      return Optional.of(
          text.endsWith("Z") || text.matches(".*[+-]\\d\\d:\\d\\d")
              ? OffsetDateTime.parse(text).toInstant()
              : LocalDateTime.parse(text).toInstant(ZoneOffset.UTC));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  /**
   * The cell's text for {@code 30d} (that many days from now), a date or a date-time.
   *
   * @return empty when the option cannot be read or is not in the future
   */
  public static Optional<String> cellFor(String option, Instant now) {
    Matcher days = DAYS.matcher(option.strip());
    if (days.matches()) {
      return Optional.of(now.plus(Duration.ofDays(Long.parseLong(days.group(1)))).toString());
    }
    return NUMBER.matcher(option.strip()).matches()
        ? Optional.empty()
        : ofCell(option).filter(now::isBefore).map(time -> option.strip());
  }

  private static Instant ofSerial(BigDecimal days) {
    LocalDate date = DAY_ZERO.plusDays(days.longValue());
    BigDecimal time = days.remainder(BigDecimal.ONE);
    return time.signum() == 0
        ? endOf(date)
        : date.atStartOfDay(ZoneOffset.UTC)
            .toInstant()
            .plusMillis(time.multiply(MILLIS_A_DAY).longValue());
  }

  private static Instant endOf(LocalDate date) {
    return date.plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant();
  }
}
