package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.Flood;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.ledger.UsageRecord;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Provider answers over the limits: the client gets the reason, and the provider's connection is
 * closed.
 */
class ProviderLimitsRouteTest {
  private static final String ANSWER = "sent an answer of more than 1 MB";

  private static PlayedProvider provider;
  private static Gateway gateway;
  private static String key;
  private static LogLines log;

  @BeforeAll
  static void start(@TempDir Path data) {
    log = LogLines.open();
    provider = PlayedProvider.start();
    gateway =
        Gateway.start(
            data, Map.of("OPENAI_BASE_URL", provider.baseUrl(), "PROVIDER_ANSWER_MB", "1"));
    key = gateway.createKey("limits@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
    log.close();
  }

  @AfterEach
  void allMemoryIsReleased() {
    Awaitility.await().until(() -> provider.underWay() == 0);
    Awaitility.await().until(() -> gateway.application().answerMemory().taken() == 0);
  }

  static Stream<Arguments> beforeAnythingIsSent() {
    return Stream.of(
        Arguments.of(Flood.headers(), "sent response headers of more than 64 KB"),
        Arguments.of(Flood.longHeader(), "sent response headers of more than 64 KB"),
        Arguments.of(Flood.interimAnswers(), "sent more than 16 interim answers"),
        Arguments.of(Flood.emptyLines(), "sent empty lines in place of an answer"),
        Arguments.of(Flood.comments(), ANSWER),
        Arguments.of(Flood.completion(), ANSWER),
        Arguments.of(Flood.emptyObjects(), ANSWER));
  }

  @Wire("6.502limit")
  @ParameterizedTest
  @MethodSource("beforeAnythingIsSent")
  void answersTooLongBeforeTheFirstEventGet502(PlayedProvider.Performance flood, String reason) {
    for (boolean stream : new boolean[] {true, false}) {
      provider.perform(List.of(flood));

      HttpResponse<String> response = gateway.chat(key, "openai/x", stream, "hello");

      assertThat(response.statusCode()).isEqualTo(502);
      assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("upstream_error");
      assertThat(Gateway.json(response).at("/error/message").asText()).contains(reason);
      assertThat(record(response).status()).isEqualTo(Status.ERROR);
      Awaitility.await()
          .untilAsserted(() ->
              assertThat(log.said())
                  .anyMatch(line -> logs(line, response) && line.contains(reason)));
      Awaitility.await().until(() -> provider.hungUp() == 1);
    }
  }

  @Wire("6.502limit")
  @Test
  void tooLongStreamsEndWithAnErrorAndAreChargedForTheReceivedText() {
    provider.perform(List.of(Flood.events(1000)));

    HttpResponse<String> response = gateway.chat(key, "openai/x", true, "hello");

    assertThat(response.statusCode()).isEqualTo(200);
    JsonNode error = error(response);
    assertThat(error.at("/error/message").asText()).contains(ANSWER).contains("PROVIDER_ANSWER_MB");
    assertThat(response.body()).doesNotContain("[DONE]");
    // One token for four characters; a thousand events of a thousand characters.
    assertThat(record(response).status()).isEqualTo(Status.ERROR);
    assertThat(record(response).tokensOut()).isBetween(200_000L, 262_144L);
    Awaitility.await().until(() -> provider.hungUp() == 1);
  }

  @Test
  void tooLongWholeAnswersGet502AndAreChargedForTheReceivedText() {
    provider.perform(List.of(Flood.events(1000)));

    HttpResponse<String> response = gateway.chat(key, "openai/x", false, "hello");

    assertThat(response.statusCode()).isEqualTo(502);
    assertThat(response.body()).contains(ANSWER);
    assertThat(record(response).tokensOut()).isBetween(200_000L, 262_144L);
  }

  @Test
  void tooLongEventsEndTheStreamWithAnError() {
    provider.perform(List.of(Flood.longLine()));

    HttpResponse<String> response = gateway.chat(key, "openai/x", true, "hello");

    assertThat(response.body()).contains("it begins").doesNotContain("[DONE]");
    assertThat(error(response).at("/error/message").asText()).contains(ANSWER);
    Awaitility.await().until(() -> provider.hungUp() == 1);
  }

  @Test
  void tooLongEmbeddingsGet502() {
    provider.perform(List.of(Flood.embeddings()));

    HttpResponse<String> response =
        gateway.post("/v1/embeddings", key, "{\"model\":\"openai/x\",\"input\":\"hello\"}");

    assertThat(response.statusCode()).isEqualTo(502);
    assertThat(Gateway.json(response).at("/error/message").asText()).contains(ANSWER);
    assertThat(record(response).status()).isEqualTo(Status.ERROR);
    Awaitility.await().until(() -> provider.hungUp() == 1);
  }

  @Wire({"6.503answers", "6.retry"})
  @Test
  void withoutFreeMemoryLargeAnswersGet503AndSmallOnesAreServed() {
    AnswerMemory memory = gateway.application().answerMemory();
    try (AnswerMemory.Share others = memory.open()) {
      takeAll(others);
      provider.perform(List.of(Flood.events(200_000)));
      HttpResponse<String> large = gateway.chat(key, "openai/x", true, "hello");

      assertThat(large.statusCode()).isEqualTo(503);
      assertThat(Gateway.json(large).at("/error/code").asText()).isEqualTo("overloaded");
      assertThat(large.headers().firstValue("retry-after")).isPresent();
      assertThat(record(large).status()).isEqualTo(Status.ERROR);
      provider.perform(List.of(Flood.events(1000, 0)));
      assertThat(gateway.chat(key, "openai/x", true, "hello").body()).contains("[DONE]");
    }
  }

  private static void takeAll(AnswerMemory.Share share) {
    try {
      while (true) {
        share.keep(64 << 10);
      }
    } catch (ApiException e) {
      assertThat(e.error().status()).isEqualTo(503);
    }
  }

  private static JsonNode error(HttpResponse<String> response) {
    String last = response.body().substring(response.body().lastIndexOf("event: error\ndata: "));
    try {
      return Json.parse(last.substring(last.indexOf('{')));
    } catch (JsonProcessingException e) {
      throw new AssertionError(last, e);
    }
  }

  private static UsageRecord record(HttpResponse<String> response) {
    String id = response.headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(row -> row.requestId().equals(id));
  }

  private static boolean logs(String line, HttpResponse<String> response) {
    return line.contains(response.headers().firstValue("x-request-id").orElseThrow());
  }
}
