package dev.llmproxy.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ApiErrorTest {
  /** docs/wire-contract.md §6: whole seconds and milliseconds, both rounded up. */
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
  void waitsAreRoundedUp(Duration wait, String seconds, String milliseconds) {
    assertThat(error(wait, false).headers())
        .isEqualTo(Map.of("Retry-After", seconds, "retry-after-ms", milliseconds));
  }

  @Test
  void uselessRetriesAreForbidden() {
    assertThat(error(null, true).headers()).isEqualTo(Map.of("x-should-retry", "false"));
  }

  @Test
  void otherErrorsHaveNoRetryHeaders() {
    assertThat(error(null, false).headers()).isEmpty();
  }

  /** Columns: the provider's message | the reason in the log. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "null",
      value = {
        "null             | null",
        "' '              | null",
        "' Bad seed. '    | Bad seed.",
        "'a\nb\r\tc'      | a\\nb\\r\\tc",
        "'\u001b[31mred\u0007.' | \\u001b[31mred\\u0007.",
        "'\u009b1m'       | \\u009b1m",
        "'a\u2028b'       | a\\u2028b",
      })
  void reasonsOfProvidersAreOneLine(String said, String reason) {
    assertThat(new ApiError.Upstream(400, said).reason()).isEqualTo(reason);
  }

  @Test
  void longReasonsOfProvidersAreCut() {
    assertThat(new ApiError.Upstream(400, "x".repeat(5000)).reason()).hasSize(2000);
    assertThat(new ApiError.Upstream(400, "\u0000".repeat(5000)).reason())
        .hasSizeBetween(2000, 2005);
  }

  @Test
  void clientsDoNotGetReasonsOfProviders() {
    ApiError error = error(null, false).because(new ApiError.Upstream(403, "org-1 is closed"));
    assertThat(error.upstream().reason()).isEqualTo("org-1 is closed");
    assertThat(error.toJson().toString()).doesNotContain("org-1", "403");
    assertThat(error.headers()).isEmpty();
  }

  private static ApiError error(Duration retryAfter, boolean retryInVain) {
    return new ApiError(429, "requests", null, null, "Wait.", retryAfter, retryInVain);
  }
}
