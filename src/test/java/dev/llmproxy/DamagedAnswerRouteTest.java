package dev.llmproxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.provider.Damage;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Damaged answers of Anthropic and Gemini through the whole gateway: every request ends, once, and
 * no connection to the provider stays open.
 */
class DamagedAnswerRouteTest {
  private static final int ROUNDS = 2;
  private static final Map<String, String> MODELS =
      Map.of("anthropic", "anthropic/claude-opus-5", "gemini", "gemini/gemini-3.6-flash");

  private static PlayedProvider provider;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    provider = PlayedProvider.start();
    gateway =
        Gateway.start(
            data,
            Map.of(
                "ANTHROPIC_BASE_URL",
                provider.baseUrl(),
                "ANTHROPIC_API_KEY",
                "own-secret",
                "GEMINI_BASE_URL",
                provider.baseUrl(),
                "GEMINI_API_KEY",
                "own-secret"));
    key = gateway.createKey("damaged@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
  }

  static Stream<String> streams() {
    return Stream.of("anthropic", "gemini")
        .flatMap(format ->
            Fixtures.cases(format + "/streams", ".sse").stream()
                .map(name -> format + "/streams/" + name + ".sse"));
  }

  @ParameterizedTest
  @MethodSource("streams")
  void aDamagedAnswerEndsItsRequestAndItsConnection(String file) {
    String model = MODELS.get(file.substring(0, file.indexOf('/')));
    byte[] golden = Fixtures.bytes(file);
    Damage damage = new Damage(file.hashCode());
    String id = "";
    for (int round = 0; round < ROUNDS; round++) {
      provider.play(List.of(answer(damage.applyTo(golden))));
      HttpResponse<String> response = gateway.chat(key, model, round == 0, "Hello");

      assertThat(response.statusCode()).as(response.body()).isNotEqualTo(500);
      id = response.headers().firstValue("x-request-id").orElseThrow();
    }
    String last = id;
    UsageRecord row = gateway.awaitRecord(record -> record.requestId().equals(last));
    assertThat(row.status()).isIn(Status.SUCCESS, Status.ERROR);
    Awaitility.await().until(() -> provider.underWay() == 0);
  }

  private static byte[] answer(byte[] body) {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    answer.writeBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            .getBytes(UTF_8));
    answer.writeBytes(body);
    return answer.toByteArray();
  }
}
