package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Caller;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RateLimitTest {
  private final MovedTimeMeter clock = new MovedTimeMeter();

  @Test
  void theTierFreeHasAHundredRequestsAMinuteByDefault() {
    RateLimit limit = limit(Map.of());
    for (int i = 1; i <= 100; i++) {
      assertThat(limit.take(caller("a", "free")).remaining()).isEqualTo(100 - i);
    }
    assertThat(limit.take(caller("a", "free")).granted()).isFalse();
    assertThat(limit.take(caller("b", "free")).granted()).isTrue();
  }

  /** Columns: tier in the key directory | requests a minute. */
  @ParameterizedTest
  @CsvSource({"free, 10", "pro, 500", "pro plus, 900", "pro-plus, 900", "unknown, 10", "'', 10"})
  void tiersWithoutALimitHaveTheLimitOfTheTierFree(String tier, int requests) {
    RateLimit limit =
        limit(
            Map.of(
                "RATE_LIMIT_FREE", "10",
                "RATE_LIMIT_PRO", "500",
                "RATE_LIMIT_PRO_PLUS", "900",
                "RATE_LIMIT_BLANK", " "));
    assertThat(limit.take(caller("a", tier)).limit()).isEqualTo(requests);
  }

  @Test
  void aChangedTierAppliesToTheNextRequest() {
    RateLimit limit = limit(Map.of("RATE_LIMIT_FREE", "1", "RATE_LIMIT_PRO", "5"));
    assertThat(limit.take(caller("a", "free")).granted()).isTrue();
    assertThat(limit.take(caller("a", "free")).granted()).isFalse();
    assertThat(limit.take(caller("a", "pro")).remaining()).isEqualTo(3);
    assertThat(limit.take(caller("a", "free")).granted()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "many", "1.5", "1000001"})
  void invalidLimitsFailStartup(String value) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> limit(Map.of("RATE_LIMIT_PRO", value)))
        .withMessageContaining("RATE_LIMIT_PRO")
        .withMessageContaining(value);
  }

  private RateLimit limit(Map<String, String> environment) {
    return new RateLimit(LimitSettings.of(Settings.load(Path.of(""), environment)), clock);
  }

  private static Caller caller(String keyHash, String tier) {
    return new Caller("a@example.com", "Test", keyHash, tier);
  }
}
