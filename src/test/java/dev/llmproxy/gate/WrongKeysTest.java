package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WrongKeysTest {
  private final MovedTimeMeter clock = new MovedTimeMeter();
  private final WrongKeys wrongKeys = new WrongKeys(2, clock);

  @Test
  void keysOverTheLimitAreTooManyUntilTheMinuteEnds() {
    assertThat(wrongKeys.next("10.0.0.1", OpenAiErrors.invalidApiKey()).status()).isEqualTo(401);
    clock.move(Duration.ofSeconds(20));
    assertThat(wrongKeys.tooMany("10.0.0.1")).isFalse();
    assertThat(wrongKeys.next("10.0.0.1", OpenAiErrors.invalidApiKey()).status()).isEqualTo(401);
    assertThat(wrongKeys.tooMany("10.0.0.1")).isTrue();

    ApiError refused = wrongKeys.next("10.0.0.1", OpenAiErrors.invalidApiKey());
    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.retryAfter()).isEqualTo(Duration.ofSeconds(40));
    assertThat(wrongKeys.next("10.0.0.2", OpenAiErrors.invalidApiKey()).status()).isEqualTo(401);

    clock.move(Duration.ofSeconds(40));
    assertThat(wrongKeys.tooMany("10.0.0.1")).isFalse();
    assertThat(wrongKeys.next("10.0.0.1", OpenAiErrors.invalidApiKey()).status()).isEqualTo(401);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.1, 10.0.0.1",
    "::ffff:10.0.0.1, 10.0.0.1",
    "2001:db8:1:2:3:4:5:6, 20010db800010002",
    "2001:db8:1:2::7, 20010db800010002",
    "2001:db8:1:3::7, 20010db800010003",
    "0:0:0:0:0:0:0:1, 0000000000000000",
    "not:an:address, not:an:address",
    "'', ''",
  })
  void keysCountForTheWholeNetworkOfAHost(String address, String network) {
    assertThat(WrongKeys.network(address)).isEqualTo(network);
  }
}
