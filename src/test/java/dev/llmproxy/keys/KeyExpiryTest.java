package dev.llmproxy.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyExpiryTest {
  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

  @ParameterizedTest
  @CsvSource({
    "2027-01-31, 2027-02-01T00:00:00Z",
    "' 2027-01-31 ', 2027-02-01T00:00:00Z",
    "2027-01-31T10:30:00Z, 2027-01-31T10:30:00Z",
    "2027-01-31T10:30:00.5Z, 2027-01-31T10:30:00.500Z",
    "2027-01-31T10:30+02:00, 2027-01-31T08:30:00Z",
    "2027-01-31T10:30, 2027-01-31T10:30:00Z",
    // The serial numbers of 2027-01-31 and 2027-01-31 12:00 in a sheet.
    "46418, 2027-02-01T00:00:00Z",
    "46418.0, 2027-02-01T00:00:00Z",
    "46418.5, 2027-01-31T12:00:00Z",
  })
  void dateEndsWithItsDayAndTimeIsUtc(String cell, Instant moment) {
    assertThat(KeyExpiry.ofCell(cell)).contains(moment);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "soon",
        "31.01.2027",
        "2027-02-30",
        "2027-13-01",
        "1800000000",
        "-1",
        "1e5",
        "TRUE",
        "2027-01-31T",
        "T",
        "#REF!",
        "+999999999-12-31"
      })
  void otherTextIsNoExpiry(String cell) {
    assertThat(KeyExpiry.ofCell(cell)).isEmpty();
  }

  @Test
  void optionAcceptsDaysFromNowOrAFutureDate() {
    assertThat(KeyExpiry.cellFor("30d", NOW)).contains("2026-03-02T12:00:00Z");
    assertThat(KeyExpiry.cellFor("2027-01-31", NOW)).contains("2027-01-31");
    assertThat(KeyExpiry.cellFor("2026-01-31", NOW)).contains("2026-01-31");
    assertThat(KeyExpiry.cellFor("2026-01-30", NOW)).isEmpty();
    assertThat(KeyExpiry.cellFor("0d", NOW)).isEmpty();
    assertThat(KeyExpiry.cellFor("30", NOW)).isEmpty();
    assertThat(KeyExpiry.cellFor("soon", NOW)).isEmpty();
  }
}
