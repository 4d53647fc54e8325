package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TRUSTED_PROXIES: wrong keys are counted for the client that a proxy names. */
class TrustedProxyRouteTest {
  private static Gateway gateway;
  private static Gateway withoutProxies;

  @BeforeAll
  static void start(@TempDir Path folder) {
    gateway =
        Gateway.start(
            folder.resolve("behind"),
            Map.of(
                "AUTH_FAILURES_PER_MINUTE",
                "2",
                "TRUSTED_PROXIES",
                "127.0.0.1, 10.0.0.0/8, fd00::/8"));
    withoutProxies =
        Gateway.start(folder.resolve("direct"), Map.of("AUTH_FAILURES_PER_MINUTE", "2"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    withoutProxies.close();
  }

  @Test
  void eachClientBehindAProxyIsCountedAlone() {
    exhaust("198.51.100.1");

    assertThat(wrongKey(gateway, "198.51.100.1")).isEqualTo(429);
    assertThat(wrongKey(gateway, "198.51.100.2")).isEqualTo(401);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "203.0.113.7, 198.51.100.5",
        "198.51.100.5, 10.1.2.3",
        "198.51.100.5:4711",
        "unknown, 198.51.100.5 , 127.0.0.1",
        "garbage, 198.51.100.5, fd00::1"
      })
  void lastAddressThatIsNoProxysIsTheClient(String header) {
    exhaust("198.51.100.5");

    assertThat(wrongKey(gateway, header)).isEqualTo(429);
  }

  @Test
  void headerOfOthersIsNotBelieved() {
    for (int i = 0; i < 2; i++) {
      assertThat(wrongKey(withoutProxies, "198.51.100." + i)).isEqualTo(401);
    }

    assertThat(wrongKey(withoutProxies, "198.51.100.9")).isEqualTo(429);
  }

  private static void exhaust(String client) {
    for (int i = 0; i < 2; i++) {
      wrongKey(gateway, client);
    }
  }

  private static int wrongKey(Gateway server, String forwardedFor) {
    HttpRequest request =
        server
            .request("/v1/models", "sk-wrong-" + forwardedFor.hashCode())
            .header("X-Forwarded-For", forwardedFor)
            .build();
    return server.send(request).statusCode();
  }
}
