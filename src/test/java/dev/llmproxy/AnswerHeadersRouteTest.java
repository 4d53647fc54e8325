package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.emulator.ScriptedProvider;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Headers, refusals and failures of an installation's own routes, before and after the call is
 * created.
 */
class AnswerHeadersRouteTest {
  private static final String STEP = "(?ms)^        - log:.*\\z";
  private static final String HOOK =
      """
              - filter:
                  simple: "${exchangeProperty.request.promptText} contains 'mixed'"
                  steps:
                    - setHeader:
                        name: CamelHttpMethod
                        constant: GET
                    - to:
                        uri: "BASE/models?throwExceptionOnFailure=false"
              - setHeader:
                  name: X-Fine
                  simple: "${exchangeProperty.request.lastUserText}"
              - setHeader:
                  name: Authorization
                  constant: Bearer hook-secret
              - setHeader:
                  name: Content-Length
                  constant: "3"
              - setHeader:
                  name: CamelSomething
                  constant: inner
              - filter:
                  simple: "${exchangeProperty.request.promptText} regex '(?is).*\\\\bargument\\\\b.*'"
                  steps:
                    - throwException:
                        exceptionType: java.lang.IllegalArgumentException
                        message: "No ${exchangeProperty.caller.tier} arguments here."
              - filter:
                  simple: "${exchangeProperty.request.promptText} contains 'defect'"
                  steps:
                    - setProperty:
                        name: request
                        simple: "${exchangeProperty.request.withReplaced(null, null)}"
      """;

  private static ScriptedProvider other;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    other = ScriptedProvider.start();
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Path hook = home.resolve("routes/hook-request.camel.yaml");
    Files.writeString(
        hook,
        Files.readString(hook)
            .replaceFirst(
                STEP,
                java.util.regex.Matcher.quoteReplacement(HOOK.replace("BASE", other.baseUrl()))));
    // A filter after the call has been created, and headers where the answer is written.
    Path serve = home.resolve("routes/call-serve.camel.yaml");
    Files.writeString(
        serve,
        Files.readString(serve)
            .replace(
                "              - to: direct:gate-admit\n",
                """
                              - filter:
                                  simple: "${exchangeProperty.call.promptText} contains 'late'"
                                  steps:
                                    - throwException:
                                        exceptionType: dev.llmproxy.error.RefusedException
                                        message: "Too late."
                              - to: direct:gate-admit
                """));
    for (String sink : new String[] {"chunks", "completion"}) {
      Path file = home.resolve("routes/sink-" + sink + ".camel.yaml");
      Files.writeString(
          file,
          Files.readString(file)
              .replace(
                  "      steps:\n",
                  "      steps:\n        - setHeader:\n            name: X-Sink\n            constant: "
                      + sink
                      + "\n"));
    }
    gateway = Gateway.startAt(home, folder.resolve("data"), Map.of());
    key = gateway.createKey("ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    other.close();
  }

  @Test
  void onlyHeadersOfTheHookAndTheSinksAreSent() {
    for (boolean stream : new boolean[] {false, true}) {
      HttpResponse<String> answer = gateway.chat(key, "openai/scripted", stream, "hello");

      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.headers().firstValue("X-Fine")).hasValue("hello");
      assertThat(answer.headers().firstValue("X-Sink")).hasValue(stream ? "chunks" : "completion");
      assertThat(answer.headers().map()).doesNotContainKeys("authorization", "camelsomething");
      assertThat(answer.body()).contains("hello");
    }
  }

  @Test
  void lineEndsInAHeaderValueAddNoHeader() {
    HttpResponse<String> answer =
        gateway.chat(key, "openai/scripted", true, "hello\r\nX-Forged: yes");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("X-Fine")).hasValue("hello  X-Forged: yes");
    assertThat(answer.headers().map()).doesNotContainKey("x-forged");
  }

  @Test
  void headersOfAnotherServersAnswerAreNotSent() {
    HttpResponse<String> answer = gateway.chat(key, "openai/scripted", false, "mixed");

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().map()).doesNotContainKeys("x-fine", "authorization");
    assertThat(answer.headers().firstValue("X-Sink")).hasValue("completion");
  }

  @Test
  void exceptionsThrownByARouteRefuseWithTheirMessage() {
    HttpResponse<String> answer = gateway.chat(key, "openai/scripted", true, "an argument");

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(answer).at("/error/code").asText()).isEqualTo("refused");
    assertThat(Gateway.json(answer).at("/error/message").asText())
        .isEqualTo("No free arguments here.");
    assertThat(gateway.chat(key, "openai/scripted", false, "too late").statusCode()).isEqualTo(400);
  }

  @Test
  void defectsOfARouteShowTheClientNoDetails() {
    HttpResponse<String> answer = gateway.chat(key, "openai/scripted", true, "a defect");

    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(Gateway.json(answer).at("/error/code").asText()).isEqualTo("internal_error");
  }

  @Test
  void requestsRefusedBeforeAdmissionAreLoggedWithoutARecord() {
    try (LogLines lines = LogLines.open()) {
      HttpResponse<String> answer = gateway.chat(key, "openai/late", false, "too late");
      String id = answer.headers().firstValue("x-request-id").orElseThrow();

      org.awaitility.Awaitility.await()
          .untilAsserted(() ->
              assertThat(lines.said())
                  .anyMatch(line ->
                      line.contains(
                          id + " ann@example.com POST /v1/chat/completions REFUSED 400 refused")));
    }
  }
}
