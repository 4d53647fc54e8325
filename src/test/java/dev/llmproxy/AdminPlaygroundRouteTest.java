package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.ledger.UsageRecord;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chats of people who are signed in to the management pages, with their own keys. */
class AdminPlaygroundRouteTest {
  private static final String PATH = "/admin/api/playground";
  private static final String SCRIPTED = "openai/scripted";
  private static final String ANN = "ann@example.com";

  private static Gateway gateway;
  private static AdminBrowser admin;
  private static AdminBrowser ann;
  private static String annKey;
  private static String bobKey;

  @BeforeAll
  static void start(@TempDir Path data) {
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.put("RATE_LIMIT_TINY", "2");
    gateway = Gateway.start(data, settings);
    annKey = gateway.createKey(ANN);
    bobKey = gateway.createKey("bob@example.com");
    admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    ann = AdminBrowser.signedIn(gateway, ANN);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void chatIsStreamedAndRecordedAsUsageOfTheKey() {
    HttpResponse<String> answer = chat(ann, annKey, SCRIPTED, "Hello there");

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/event-stream");
    assertThat(text(answer)).isEqualTo("You said: Hello there");
    assertThat(answer.body()).contains("event: complete\n").doesNotContain(annKey);
    UsageRecord record = record(answer);
    assertThat(record.email()).isEqualTo(ANN);
    assertThat(record.keyHash()).isEqualTo(ApiKey.hash(annKey));
    assertThat(record.provider()).isEqualTo("rest-api");
    assertThat(record.model()).isEqualTo(SCRIPTED);
    assertThat(record.status()).isEqualTo(Status.SUCCESS);
    assertThat(record.tokensOut()).isPositive();
    JsonNode shown =
        Gateway.json(ann.get("/admin/api/requests?limit=500&key=" + ApiKey.hash(annKey)));
    assertThat(shown.path("requests").findValuesAsText("id")).contains(record.requestId());
  }

  @Test
  void thinkingAndToolsOfTheServerAreEvents() {
    ObjectNode form =
        form(
            SCRIPTED,
            "[[script reasoning=1 calls='calculator {\"expression\": \"6*7\"}']] What is it?");
    form.putArray("tools").add("calculator");

    HttpResponse<String> answer = post(ann, annKey, form);

    assertThat(answer.body())
        .containsSubsequence(
            "event: thinking\n",
            "event: tool_call_start\n",
            "\"expression\":\"6*7\"",
            "event: tool_call_result\n",
            "\"status\":\"completed\"",
            "event: delta\n",
            "event: complete\n");
    assertThat(text(answer)).contains("42");
    assertThat(record(answer).toolCalls()).isEqualTo(1);
    assertThat(record(answer).turns()).isEqualTo(2);
  }

  @Test
  void optionsReachTheProvider() {
    ObjectNode form = form(SCRIPTED, "Hi");
    form.putObject("options")
        .put("temperature", 0.5)
        .put("max_completion_tokens", 7)
        .put("reasoning_effort", "low");

    post(ann, annKey, form);

    JsonNode sent = gateway.provider().lastRequest().body();
    assertThat(sent.path("temperature").asDouble()).isEqualTo(0.5);
    assertThat(sent.path("max_completion_tokens").asInt()).isEqualTo(7);
    assertThat(sent.path("reasoning_effort").asText()).isEqualTo("low");
  }

  @Test
  void chatCountsAgainstTheLimitsOfTheKey() {
    String key = gateway.createKey("tiny@example.com", "tiny");
    AdminBrowser tiny = AdminBrowser.signedIn(gateway, "tiny@example.com");

    assertThat(chat(tiny, key, SCRIPTED, "one").statusCode()).isEqualTo(200);
    assertThat(gateway.chat(key, SCRIPTED, false, "two").statusCode()).isEqualTo(200);
    HttpResponse<String> refused = chat(tiny, key, SCRIPTED, "three");

    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    assertThat(gateway.chat(key, SCRIPTED, false, "four").statusCode()).isEqualTo(429);
  }

  @Test
  void keyOfAnotherPersonIsRefused() {
    int before = gateway.provider().requests().size();
    for (AdminBrowser browser : List.of(ann, admin)) {
      for (HttpResponse<String> refused :
          List.of(
              chat(browser, bobKey, SCRIPTED, "Hi"),
              browser.get(PATH + "?key_id=" + ApiKey.hash(bobKey)),
              chat(browser, "sk-unknown", SCRIPTED, "Hi"))) {
        assertThat(refused.statusCode()).isEqualTo(404);
        assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("no_such_key");
      }
    }
    assertThat(ann.post(PATH, Json.text(form(SCRIPTED, "Hi"))).statusCode()).isEqualTo(400);
    assertThat(gateway.provider().requests()).hasSize(before);
  }

  @Test
  void revokedKeyIsRefused() {
    String key = gateway.createKey(ANN);
    admin.get("/admin/api/keys");
    assertThat(ann.post("/admin/api/keys/" + ApiKey.hash(key) + "/revoke", "").statusCode())
        .isEqualTo(200);

    assertThat(chat(ann, key, SCRIPTED, "Hi").statusCode()).isEqualTo(404);
    assertThat(Gateway.json(ann.get(PATH)).path("keys").findValuesAsText("id"))
        .contains(ApiKey.hash(annKey))
        .doesNotContain(ApiKey.hash(key));
  }

  @Test
  void nobodyChatsWithoutASessionAndItsToken() {
    String path = PATH + "?key_id=" + ApiKey.hash(annKey);
    String body = Json.text(form(SCRIPTED, "Hi"));

    assertThat(gateway.get(PATH, annKey).statusCode()).isEqualTo(401);
    assertThat(
            gateway
                .send(
                    gateway
                        .request(path, annKey)
                        .header("Sec-Fetch-Site", "same-origin")
                        .POST(BodyPublishers.ofString(body))
                        .build())
                .statusCode())
        .isEqualTo(401);
    HttpResponse<String> forged =
        gateway.send(
            ann.request(path)
                .header("Sec-Fetch-Site", "same-origin")
                .POST(BodyPublishers.ofString(body))
                .build());
    assertThat(forged.statusCode()).isEqualTo(403);
    assertThat(Gateway.json(forged).at("/error/code").asText()).isEqualTo("wrong_csrf_token");
  }

  @Test
  void offerHasTheOwnKeysAndWhatTheKeyMayUse() {
    JsonNode made =
        Gateway.json(
            admin.post(
                "/admin/api/keys",
                "{\"email\":\"some@example.com\",\"name\":\"Few\",\"allowed_models\":\"openai/gpt-4o-mini\"}"));
    AdminBrowser some = AdminBrowser.signedIn(gateway, "some@example.com");

    JsonNode offer = Gateway.json(some.get(PATH));

    assertThat(offer.path("keys")).hasSize(1);
    assertThat(offer.at("/keys/0/name").asText()).isEqualTo("Few");
    assertThat(offer.path("key_id").asText()).isEqualTo(made.path("id").asText());
    assertThat(offer.path("models").findValuesAsText("id")).containsExactly("openai/gpt-4o-mini");
    assertThat(offer.path("tools").findValuesAsText("name")).contains("calculator", "web_search");
    assertThat(chat(some, made.path("key").asText(), "openai/gpt-4o", "Hi").statusCode())
        .isEqualTo(403);
    JsonNode all = Gateway.json(ann.get(PATH + "?key_id=" + ApiKey.hash(annKey)));
    assertThat(all.path("models").findValuesAsText("id"))
        .contains("openai/gpt-4o", "openai/gpt-4o-mini")
        .noneMatch(id -> id.contains("embedding"));
  }

  @Test
  void administratorChatsWithoutAKey() {
    JsonNode offer = Gateway.json(admin.get(PATH));
    HttpResponse<String> answer =
        admin.post(PATH + "?key_id=none", Json.text(form(SCRIPTED, "Hello")));

    assertThat(offer.path("keys")).isEmpty();
    assertThat(offer.path("key_id").asText()).isEqualTo("none");
    assertThat(offer.path("models").findValuesAsText("id")).contains("openai/gpt-4o-mini");
    assertThat(text(answer)).isEqualTo("You said: Hello");
    assertThat(record(answer).email()).isEqualTo(AdminBrowser.ADMIN);
    assertThat(record(answer).keyHash()).isEmpty();
    assertThat(ann.post(PATH + "?key_id=none", Json.text(form(SCRIPTED, "Hi"))).statusCode())
        .isEqualTo(404);
    assertThat(Gateway.json(ann.get(PATH)).path("without_key").asBoolean()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"scripted-down, 502", "scripted-busy, 429", "no-such-model, 404"})
  void errorBeforeTheAnswerIsAStatus(String model, int status) {
    HttpResponse<String> answer = chat(ann, annKey, "openai/" + model, "Hi");

    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(Gateway.json(answer).at("/error/message").asText()).isNotBlank();
    assertThat(record(answer).status()).isEqualTo(Status.ERROR);
  }

  private static ObjectNode form(String model, String message) {
    ObjectNode form = Json.object().put("model", model);
    form.putArray("messages").addObject().put("role", "user").put("content", message);
    return form;
  }

  private static HttpResponse<String> chat(
      AdminBrowser browser, String key, String model, String message) {
    return post(browser, key, form(model, message));
  }

  private static HttpResponse<String> post(AdminBrowser browser, String key, ObjectNode form) {
    return browser.post(PATH + "?key_id=" + ApiKey.hash(key), Json.text(form));
  }

  /** The text of all deltas. */
  private static String text(HttpResponse<String> answer) {
    StringBuilder text = new StringBuilder();
    for (String event : answer.body().split("\n\n", -1)) {
      if (event.startsWith("event: delta\n")) {
        text.append(
            ToolChats.json(event.substring(event.indexOf("data: ") + "data: ".length()))
                .path("content")
                .asText());
      }
    }
    return text.toString();
  }

  private static UsageRecord record(HttpResponse<String> answer) {
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(record -> record.requestId().equals(id));
  }
}
