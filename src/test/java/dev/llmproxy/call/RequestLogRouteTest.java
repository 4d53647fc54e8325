package dev.llmproxy.call;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.Gateway;
import dev.llmproxy.LogLines;
import dev.llmproxy.base.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each request has one line in the log, whether it was served or refused. */
class RequestLogRouteTest {
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data, Map.of("RATE_LIMIT_SMALL", "1"));
    key = gateway.createKey("ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void servedRequestsAreLoggedWithStatusCodeAndTokens() {
    try (LogLines lines = LogLines.open()) {
      gateway.chat(key, "openai/scripted", false, "hello");
      gateway.chat(key, "openai/scripted", true, "[[script cut=1]]");
      gateway.chat(key, "openai/scripted", false, "[[script status=500]]");

      assertThat(await(lines, 3, " tokens "))
          .satisfiesExactlyInAnyOrder(
              line ->
                  assertThat(line)
                      .matches(
                          "INFO req_\\w+ ann@example.com openai/scripted SUCCESS 200 \\d+\\+\\d+ tokens \\d+ ms"),
              line -> assertThat(line).startsWith("WARN").contains(" ERROR 200 ", "upstream_error"),
              line ->
                  assertThat(line)
                      .startsWith("WARN")
                      .endsWith(" upstream_error provider 500: Scripted failure with status 500")
                      .contains(" ERROR 502 "));
    }
  }

  @Test
  void chatsWithToolsAreLoggedWithTurnsAndToolCalls() {
    try (LogLines lines = LogLines.open()) {
      var request = Json.object().put("model", "openai/scripted");
      request
          .putArray("messages")
          .addObject()
          .put("role", "user")
          .put("content", "[[script calls='calculator {\"expression\": \"1+1\"}']]");
      request.putArray("tools").addObject().put("type", "calculator");
      gateway.post(key, Json.text(request));

      assertThat(await(lines, 1, " tokens ").getFirst())
          .matches(
              "INFO req_\\w+ ann@example.com openai/scripted SUCCESS 200 \\d+\\+\\d+ tokens \\d+ ms turns 2 tool calls 1");
    }
  }

  /**
   * Camel changes the level of its shared logger for such a line. With parallel threads the line
   * becomes an ERROR.
   */
  @Test
  void camelDoesNotLogAnsweredExceptions() {
    try (LogLines lines =
        LogLines.of("org.apache.camel.processor.errorhandler.DefaultErrorHandler", Level.DEBUG)) {
      gateway.chat("sk-nobodys", "openai/scripted", false, "a secret");
      gateway.chat(key, "openai/scripted", false, "[[script status=500]]");

      assertThat(lines.said()).isEmpty();
    }
  }

  @Test
  void refusedRequestsAreLoggedWithStatusCodeAndAddress() {
    String small = gateway.createKey("bob@example.com", "small");
    try (LogLines lines = LogLines.open()) {
      gateway.chat("sk-nobodys", "openai/scripted", false, "a secret");
      gateway.chat(null, "openai/scripted", false, "a secret");
      gateway.chat(key, "nobody/a-secret", false, "a secret");
      gateway.post(
          key, "{\"model\": \"openai/scripted\", \"messages\": [], \"user\": \"a secret\"}");
      gateway.chat(small, "openai/scripted", false, "a secret");
      gateway.chat(small, "openai/scripted", false, "a secret");
      gateway.get("/v2/nothing", key);

      List<String> refused = await(lines, 6, "REFUSED");
      assertThat(refused)
          .satisfiesExactlyInAnyOrder(
              line ->
                  assertThat(line)
                      .contains(
                          " - POST /v1/chat/completions REFUSED 401 invalid_api_key from 127.0.0.1"),
              line ->
                  assertThat(line)
                      .contains(
                          " - POST /v1/chat/completions REFUSED 401 invalid_request_error from 127.0.0.1"),
              line ->
                  assertThat(line)
                      .contains(
                          " ann@example.com POST /v1/chat/completions REFUSED 404 model_not_found model from"),
              line ->
                  assertThat(line)
                      .contains(
                          " ann@example.com POST /v1/chat/completions REFUSED 400 invalid_value messages from"),
              line ->
                  assertThat(line)
                      .contains(
                          " bob@example.com POST /v1/chat/completions REFUSED 429 rate_limit_exceeded from"),
              line ->
                  assertThat(line)
                      .contains(" - GET /v2/nothing REFUSED 404 unknown_url from 127.0.0.1"));
      assertThat(refused).noneMatch(line -> line.contains("secret"));
    }
  }

  @Test
  void refusalsBeyondTenAMinuteAreLoggedAsOneCount() {
    gateway.application().requestLog().summarise();
    try (LogLines lines = LogLines.open()) {
      for (int i = 0; i < 25; i++) {
        gateway.chat("sk-wrong", "openai/scripted", false, "hello");
      }
      assertThat(await(lines, 10, "invalid_api_key")).hasSize(10);

      gateway.application().requestLog().summarise();
      assertThat(await(lines, 11, "invalid_api_key").getLast())
          .isEqualTo(
              "WARN 15 more like this in the last minute: refused: 401 invalid_api_key from 127.0.0.1");
    }
  }

  private static List<String> await(LogLines lines, int count, String with) {
    return Awaitility.await()
        .until(
            () -> lines.said().stream().filter(line -> line.contains(with)).toList(),
            said -> said.size() >= count);
  }

  @Test
  void theJsonLogHasTheFieldsOfARequest() throws Exception {
    var json = LoggerContext.getContext(false).getConfiguration().getAppender("json").getLayout();
    List<String> written = new CopyOnWriteArrayList<>();
    AbstractAppender tap =
        new AbstractAppender("tap", null, null, true, Property.EMPTY_ARRAY) {
          @Override
          public void append(LogEvent event) {
            written.add(new String(json.toByteArray(event), StandardCharsets.UTF_8));
          }
        };
    tap.start();
    var root = (org.apache.logging.log4j.core.Logger) LogManager.getRootLogger();
    root.addAppender(tap);
    try {
      gateway.chat(key, "openai/scripted", false, "hello");
      Awaitility.await().until(() -> written.stream().anyMatch(line -> line.contains("SUCCESS")));
    } finally {
      root.removeAppender(tap);
      tap.stop();
    }
    JsonNode line =
        Json.parse(
            written.stream().filter(one -> one.contains("SUCCESS")).findFirst().orElseThrow());
    assertThat(line.path("message").asText()).contains(" SUCCESS 200 ");
    assertThat(line.path("status").asText()).isEqualTo("SUCCESS");
    assertThat(line.path("user").asText()).isEqualTo("ann@example.com");
    assertThat(line.path("http_status").isInt()).isTrue();
    assertThat(line.path("duration_ms").isNumber()).isTrue();
  }
}
