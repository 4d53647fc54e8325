package dev.llmproxy.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GoDurationTest {
  @ParameterizedTest
  @CsvSource({
    "PT0S, 0s",
    "PT0.000000001S, 1ms",
    "PT0.12S, 120ms",
    "PT0.9991S, 1s",
    "PT1S, 1s",
    "PT8.64S, 8.64s",
    "PT10S, 10s",
    "PT59.9999S, 1m0s",
    "PT60S, 1m0s",
    "PT6M, 6m0s",
    "PT61.5S, 1m1.5s",
    "PT1H, 1h0m0s",
    "PT26H3M0.007S, 26h3m0.007s",
  })
  void formatsDurationsAsGoDoes(Duration duration, String text) {
    assertThat(GoDuration.text(duration)).isEqualTo(text);
  }
}
