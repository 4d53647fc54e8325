package dev.llmproxy.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ApiErrorTest {
  /** wire.md §6: a whole number of seconds, rounded up as the milliseconds are. */
  @ParameterizedTest
  @CsvSource({
    "PT0S, 0, 0",
    "PT0.000000001S, 1, 1",
    "PT0.5S, 1, 500",
    "PT1S, 1, 1000",
    "PT1.000000001S, 2, 1001",
    "PT59.25S, 60, 59250",
    "PT2147483647S, 2147483647, 2147483647000",
  })
  void tellsHowLongToWait(Duration wait, String seconds, String milliseconds) {
    assertThat(error(wait, false).headers())
        .isEqualTo(Map.of("Retry-After", seconds, "retry-after-ms", milliseconds));
  }

  @Test
  void tellsWhenTryingAgainIsInVain() {
    assertThat(error(null, true).headers()).isEqualTo(Map.of("x-should-retry", "false"));
  }

  @Test
  void saysNothingWhereTheStatusSaysItAll() {
    assertThat(error(null, false).headers()).isEmpty();
  }

  private static ApiError error(Duration retryAfter, boolean retryInVain) {
    return new ApiError(429, "requests", null, null, "Wait.", retryAfter, retryInVain);
  }
}
