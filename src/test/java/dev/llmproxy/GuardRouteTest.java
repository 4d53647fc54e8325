package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.conversation.ConversationArchive;
import dev.llmproxy.emulator.ScriptedProvider;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Guards refuse, redact and mark prompts and answers, in all formats. */
class GuardRouteTest {
  private static final String MODEL = "openai/scripted";
  private static final String WORDS =
      """
      - route:
          id: guard-words
          from:
            uri: direct:guard-words
            steps:
              - setProperty:
                  name: guard
                  constant: |
                    checks: prompt
                    tiers: words
              - filter:
                  simple: "${exchangeProperty.texts.all} ~~ 'falcon'"
                  steps:
                    - setProperty:
                        name: refuse
                        constant: "Leave out the name of the project."
              - filter:
                  simple: "${exchangeProperty.texts.lastUser} ~~ 'cats'"
                  steps:
                    - setProperty:
                        name: mark
                        constant: cats
              - setProperty:
                  name: texts
                  simple: "${exchangeProperty.texts.replaced('swordfish', 'fish')}"
      """;
  private static final String ANSWERS =
      """
      - route:
          id: guard-NAME
          from:
            uri: direct:guard-NAME
            steps:
              - setProperty:
                  name: guard
                  constant: |
                    checks: [answer]
                    tiers: [NAME]
                    WINDOW
              - filter:
                  simple: "${body} ~~ 'forbidden'"
                  steps:
                    - setProperty:
                        name: refuse
                        constant: "The answer is not for you."
              - setProperty:
                  name: texts
                  simple: "${exchangeProperty.texts.replaced('tanger ?ine', 'fruit')}"
      """;
  private static final String SLOW =
      """
      - route:
          id: guard-slow
          from:
            uri: direct:guard-slow
            steps:
              - setProperty:
                  name: guard
                  constant: "{checks: prompt, tiers: slow, seconds: 1}"
              - delay:
                  asyncDelayed: false
                  expression:
                    constant: 60000
      """;
  private static final String BROKEN =
      """
      - route:
          id: guard-broken
          from:
            uri: direct:guard-broken
            steps:
              - setProperty:
                  name: guard
                  constant: "{checks: [prompt, answer], tiers: broken, onFailure: open}"
              - throwException:
                  exceptionType: java.lang.IllegalStateException
                  message: out of order
      """;

  private static final Map<String, String> KEYS = new HashMap<>();
  private static ScriptedProvider anthropic;
  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    write(home, "words", WORDS);
    write(home, "whole", ANSWERS.replace("NAME", "whole").replace("WINDOW", "order: 7"));
    write(home, "window", ANSWERS.replace("NAME", "window").replace("WINDOW", "window: 12"));
    write(home, "slow", SLOW);
    write(home, "broken", BROKEN);
    anthropic = ScriptedProvider.start(ScriptedProvider.Format.ANTHROPIC);
    gateway =
        Gateway.startAt(
            home,
            folder.resolve("data"),
            Map.of(
                "OPTIONAL_ROUTES",
                "guard-words,guard-whole,guard-window,guard-slow,guard-broken",
                "ANTHROPIC_BASE_URL",
                anthropic.baseUrl(),
                "ANTHROPIC_API_KEY",
                "sk-ant",
                "RESPONSE_CACHE_MB",
                "4",
                "LOG_CONVERSATIONS",
                "ledger"));
  }

  private static void write(Path home, String name, String route) throws IOException {
    Files.writeString(home.resolve("routes/optional/guard-" + name + ".camel.yaml"), route);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    anthropic.close();
  }

  private static String key(String tier) {
    return KEYS.computeIfAbsent(tier, name -> gateway.createKey(name + "@example.com", name));
  }

  private static String body(String path, String text, boolean stream) {
    String quoted = Json.text(Json.tree(text));
    return switch (path) {
      case "/v1/embeddings" -> "{\"model\":\"%s\",\"input\":[\"a\",%s]}".formatted(MODEL, quoted);
      case "/v1/completions" ->
          "{\"model\":\"%s\",\"prompt\":%s,\"stream\":%s}".formatted(MODEL, quoted, stream);
      case "/v1/responses" ->
          "{\"model\":\"%s\",\"input\":%s,\"stream\":%s}".formatted(MODEL, quoted, stream);
      case "/v1/moderations" -> "{\"model\":\"%s\",\"input\":%s}".formatted(MODEL, quoted);
      default ->
          "{\"model\":\"%s\",\"max_tokens\":50,\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":%s}]}]}"
              .formatted(MODEL, stream, quoted);
    };
  }

  private static String sent() {
    return Json.text(gateway.provider().lastRequest().body());
  }

  private static String error(HttpResponse<String> answer) {
    return Gateway.json(answer).at("/error/message").asText();
  }

  @Wire({"15.refused", "15.header"})
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/responses",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/moderations"
      })
  void promptIsRefusedOrRedactedInEveryFormat(String path) {
    String key = key("words");
    int before = gateway.provider().requests().size();
    HttpResponse<String> refused = gateway.post(path, key, body(path, "On Falcon", true));

    assertThat(refused.statusCode()).as(refused.body()).isEqualTo(400);
    assertThat(error(refused)).isEqualTo("Leave out the name of the project.");
    if (!path.equals("/v1/messages")) {
      assertThat(Gateway.json(refused).at("/error/code").asText())
          .isEqualTo("content_policy_violation");
    }
    assertThat(refused.headers().firstValue("x-llmproxy-guard")).hasValue("words:refused");
    assertThat(gateway.provider().requests()).hasSize(before);
    String id = refused.headers().firstValue("x-request-id").orElseThrow();
    assertThat(gateway.awaitRecord(row -> row.requestId().equals(id)).status())
        .isEqualTo(Status.ERROR);

    HttpResponse<String> redacted =
        gateway.post(path, key, body(path, "The swordfish and the cats", false));
    assertThat(redacted.statusCode()).as(redacted.body()).isEqualTo(200);
    assertThat(redacted.headers().firstValue("x-llmproxy-guard"))
        .hasValue("words:cats, words:redacted");
    assertThat(sent()).contains("The fish and the cats").doesNotContain("swordfish");
  }

  @Test
  void argumentsAndResultsOfToolsInThePromptAreRedacted() {
    gateway.post(
        key("words"),
        """
        {"model":"openai/scripted","messages":[{"role":"user","content":"a"},
        {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\\"q\\":\\"swordfish\\"}"}}]},
        {"role":"tool","tool_call_id":"1","content":"swordfish"}]}\
        """);

    assertThat(sent()).contains("fish").doesNotContain("swordfish");
  }

  @Test
  void responseWithARedactedPromptIsNotRemembered() {
    JsonNode response =
        Gateway.json(
            gateway.post("/v1/responses", key("words"), body("/v1/responses", "swordfish", false)));
    assertThat(response.path("store").asBoolean(true)).isFalse();
    assertThat(
            gateway.get("/v1/responses/" + response.path("id").asText(), key("words")).statusCode())
        .isEqualTo(404);
  }

  @Test
  void originalOfARedactedPromptIsNotStored() {
    HttpResponse<String> answer =
        gateway.chat(key("words"), MODEL, false, "I said swordfish and nothing else");
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    gateway.awaitRecord(row -> row.requestId().equals(id));

    String stored =
        Awaitility.await()
            .until(
                () ->
                    new ConversationArchive(gateway.settings())
                        .find(id)
                        .map(conversation -> Json.text(conversation.toJson()))
                        .orElse(""),
                text -> text.contains("nothing else"));
    assertThat(stored).contains("I said fish").doesNotContain("swordfish");
  }

  @Wire("15.answer")
  @ParameterizedTest
  @CsvSource({"whole,false", "whole,true", "window,false", "window,true"})
  void answersAreRedactedAndRefusedWithoutALeak(String tier, boolean stream) {
    String key = key(tier);
    for (String path : List.of("/v1/chat/completions", "/v1/messages", "/v1/responses")) {
      HttpResponse<String> redacted =
          gateway.post(path, key, body(path, "I like a tanger ine and tangerine tea", stream));
      assertThat(redacted.statusCode()).as(redacted.body()).isEqualTo(200);
      assertThat(redacted.body()).contains("fruit").doesNotContain("tanger", "ine and");

      HttpResponse<String> refused =
          gateway.post(path, key, body(path, "one two three four forbidden words", stream));
      assertThat(refused.body()).contains("The answer is not for you.").doesNotContain("forbidden");
      assertThat(refused.statusCode()).as(path).isEqualTo(stream ? 200 : 400);
      String id = refused.headers().firstValue("x-request-id").orElseThrow();
      var row = gateway.awaitRecord(each -> each.requestId().equals(id));
      assertThat(row.status()).isEqualTo(Status.ERROR);
      assertThat(row.tokensOut()).as("the provider's tokens count").isPositive();
    }
  }

  @Test
  void argumentsAndThoughtsOfAnAnswerAreChecked() {
    String key = key("whole");
    HttpResponse<String> call =
        gateway.chat(key, MODEL, true, "[[script calls='f {\"q\":\"tangerine\"}']]");
    assertThat(call.body()).contains("fruit").doesNotContain("tanger");
    HttpResponse<String> refused =
        gateway.chat(key, MODEL, false, "[[script calls='f {\"q\":\"forbidden\"}']]");
    assertThat(refused.statusCode()).isEqualTo(400);
  }

  @Test
  void windowLetsTheBeginningThroughWhileTheAnswerGoesOn() throws Exception {
    HttpResponse<InputStream> answer =
        HttpClient.newHttpClient()
            .send(
                gateway
                    .request("/v1/chat/completions", key("window"))
                    .POST(
                        BodyPublishers.ofString(
                            body(
                                "/v1/chat/completions",
                                "alpha beta gamma delta epsilon zeta eta [[script hold=7]]",
                                true)))
                    .build(),
                BodyHandlers.ofInputStream());
    StringBuilder seen = new StringBuilder();
    try (InputStream in = answer.body()) {
      byte[] some = new byte[4096];
      while (!seen.toString().contains("beta")) {
        int count = in.read(some);
        assertThat(count).as(seen.toString()).isPositive();
        seen.append(new String(some, 0, count, StandardCharsets.UTF_8));
      }
      assertThat(seen.toString()).doesNotContain("[DONE]", "zeta");
      gateway.provider().release();
      seen.append(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
    assertThat(seen.toString()).contains("zeta", "[DONE]");
  }

  @Test
  void nativeFormatDoesNotBypassGuards() {
    String request =
        "{\"model\":\"anthropic/scripted\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"TEXT\"}]}";
    gateway.post("/v1/messages", key("words"), request.replace("TEXT", "my swordfish"));
    assertThat(Json.text(anthropic.lastRequest().body())).contains("my fish");

    HttpResponse<String> redacted =
        gateway.post("/v1/messages", key("whole"), request.replace("TEXT", "a tangerine"));
    assertThat(redacted.body()).contains("fruit").doesNotContain("tangerine");
    assertThat(redacted.headers().firstValue("x-llmproxy-guard")).hasValue("whole:redacted");
    assertThat(
            gateway
                .post("/v1/messages", key("whole"), request.replace("TEXT", "forbidden"))
                .statusCode())
        .isEqualTo(400);
  }

  @Test
  void cachedAnswerIsTheRedactedOne() {
    String key = key("whole");
    String request =
        "{\"model\":\"openai/scripted\",\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":\"tangerine twice\"}]}";
    HttpResponse<String> first = gateway.post(key, request);
    HttpResponse<String> second = gateway.post(key, request);

    assertThat(second.headers().firstValue("x-llmproxy-cache")).hasValue("hit");
    assertThat(second.body()).contains("fruit twice").doesNotContain("tangerine");
    assertThat(first.body()).contains("fruit twice");
  }

  @Wire("15.refused")
  @Test
  void failedGuardRefusesUnlessItIsOpen() {
    long start = System.nanoTime();
    HttpResponse<String> slow = gateway.chat(key("slow"), MODEL, false, "hello");
    assertThat(slow.statusCode()).isEqualTo(503);
    assertThat(Gateway.json(slow).at("/error/code").asText()).isEqualTo("guard_failed");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(30));

    HttpResponse<String> open = gateway.chat(key("broken"), MODEL, false, "hello");
    assertThat(open.statusCode()).isEqualTo(200);
    assertThat(open.headers().firstValue("x-llmproxy-guard")).hasValue("broken:failed");
  }

  @Wire("15.header")
  @Test
  void requestWithoutAFittingGuardHasNoHeader() throws IOException {
    HttpResponse<String> answer = gateway.chat(key("free"), MODEL, false, "forbidden falcon");
    JsonNode content = Json.parse(answer.body()).at("/choices/0/message/content");
    assertThat(content.asText()).contains("forbidden falcon");
    assertThat(answer.headers().firstValue("x-llmproxy-guard")).isEmpty();
  }
}
