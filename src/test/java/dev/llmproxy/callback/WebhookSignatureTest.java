package dev.llmproxy.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.Settings;
import java.time.Clock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebhookSignatureTest {
  /** The example of Standard Webhooks' libraries. */
  @Test
  void signatureIsThatOfTheStandard() {
    assertThat(
            new WebhookSignature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Clock.systemUTC())
                .signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}"))
        .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_§§"})
  void wrongSecretIsRefused(String secret) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> new WebhookSignature(secret, Clock.systemUTC()))
        .withMessageStartingWith("CALLBACK_WEBHOOK_SECRET must be whsec_");
  }
}
