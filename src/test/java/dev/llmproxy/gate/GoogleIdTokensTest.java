package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SignInSettings;
import dev.llmproxy.call.Person;
import dev.llmproxy.emulator.SignInStandIn;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Tests how Google's keys are refreshed; SignInRouteTest has the rest. */
class GoogleIdTokensTest {
  private static final String ANN = "ann@example.com";

  private final SignInStandIn google = SignInStandIn.start();
  private final GoogleIdTokens tokens =
      new GoogleIdTokens(
          SignInSettings.of(Settings.load(Path.of(""), google.settings())),
          Clock.systemUTC(),
          new GoogleIdTokens.Pace(
              Duration.ofSeconds(3), Duration.ofDays(1), Duration.ofMillis(50)));

  @AfterEach
  void stop() {
    google.close();
  }

  @Test
  void oldKeysAreFetchedAgainAndStayValidWhenThatFails() {
    String token = google.token(ANN);
    assertThat(tokens.verify(token)).contains(new Person(ANN, null));
    awaitMoreReadings(token);

    google.fail(true);
    awaitMoreReadings(token);
    awaitMoreReadings(token);

    google.fail(false);
    google.rotate();
    Awaitility.await().until(() -> tokens.verify(google.token(ANN)).isPresent());
  }

  @Test
  void verifiedPersonsHaveTheDomainOfTheirOrganisation() {
    assertThat(tokens.verify(google.sign(google.idToken(ANN).claim("hd", "example.com"))))
        .contains(new Person(ANN, "example.com"));
  }

  /** Waits until keys have been fetched twice more; all tokens are accepted meanwhile. */
  private void awaitMoreReadings(String token) {
    int asked = google.keysAsked();
    Awaitility.await()
        .until(() -> {
          assertThat(tokens.verify(token)).isPresent();
          return google.keysAsked() >= asked + 2;
        });
  }
}
