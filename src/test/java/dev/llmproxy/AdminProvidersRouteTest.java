package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.emulator.ScriptedLists;
import dev.llmproxy.ledger.UsageRecord;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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

/** The providers on the management pages, and their test. */
class AdminProvidersRouteTest {
  private static final String PROVIDERS = "/admin/api/providers";
  private static final String OPENAI = PROVIDERS + "/openai/test";
  private static final String SECRET = "gsk-never-shown-0123456789";
  private static final String MARKUP = "<img src=x onerror=alert(1)>";

  private static final PlayedProvider PLAYED = PlayedProvider.start();
  private static Gateway gateway;
  private static AdminBrowser admin;
  private static AdminBrowser ann;
  private static String annKey;

  @BeforeAll
  static void start(@TempDir Path data) {
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.put("GROQ_BASE_URL", PLAYED.baseUrl());
    settings.put("GROQ_API_KEY", SECRET + ", second-" + SECRET);
    settings.put(
        "MODEL_ALIASES",
        "fast -> groq/llama-3.1-8b-instant | openai/gpt-4o-mini, gpt-4o* -> openai/gpt-4o*");
    settings.put("BREAKER_FAILURE_PERCENT", "50");
    settings.put("BREAKER_CALLS", "3");
    settings.put("BREAKER_SECONDS", "600");
    gateway = Gateway.start(data, settings);
    annKey = gateway.createKey("ann@example.com");
    admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    ann = AdminBrowser.signedIn(gateway, "ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    PLAYED.close();
  }

  @Test
  void onlyAdministratorsSeeAndTestProviders() {
    assertThat(gateway.get(PROVIDERS, annKey).statusCode()).isEqualTo(401);
    assertThat(gateway.post(OPENAI, annKey, "{}").statusCode()).isIn(401, 403);
    int before = gateway.provider().requests().size();
    for (HttpResponse<String> refused : List.of(ann.get(PROVIDERS), ann.post(OPENAI, "{}"))) {
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("admin_only");
    }
    assertThat(gateway.provider().requests()).hasSize(before);
  }

  @Test
  void reportHasConfigurationModelsPricesAndAliasesAndNoSecret() {
    HttpResponse<String> answer = admin.get(PROVIDERS);

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).doesNotContain(SECRET, "provider-secret");
    JsonNode openai = provider(Gateway.json(answer), "openai");
    assertThat(openai.path("on").asBoolean()).isTrue();
    assertThat(openai.path("format").asText()).isEqualTo("openai");
    assertThat(openai.path("base_url").asText()).isEqualTo(gateway.provider().baseUrl());
    assertThat(openai.path("credentials").asBoolean()).isTrue();
    assertThat(openai.path("key_setting").asText()).isEqualTo("OPENAI_API_KEY");
    assertThat(openai.at("/list/read").asBoolean()).isFalse();
    JsonNode mini = named(openai.path("models"), "id", "gpt-4o-mini");
    assertThat(mini.at("/price/input").asText()).isEqualTo("0.15");
    assertThat(mini.at("/price/output").asText()).isEqualTo("0.6");
    assertThat(mini.at("/price/source").asText()).matches(".* of 20\\d\\d-.*");
    assertThat(mini.path("context_length").asInt()).isPositive();
    assertThat(mini.path("abilities").toString()).contains("chat", "tools");
    assertThat(mini.path("aliases").toString()).isEqualTo("[\"fast\",\"gpt-4o*\"]");

    JsonNode groq = provider(Gateway.json(answer), "groq");
    assertThat(groq.path("keys").asInt()).isEqualTo(2);
    JsonNode xai = provider(Gateway.json(answer), "xai");
    assertThat(xai.path("on").asBoolean()).isFalse();
    assertThat(xai.path("off").asText()).contains("XAI_API_KEY");
    assertThat(xai.path("credentials").asBoolean()).isFalse();
    assertThat(
            named(Gateway.json(answer).path("aliases"), "name", "fast").path("models").toString())
        .isEqualTo("[\"groq/llama-3.1-8b-instant\",\"openai/gpt-4o-mini\"]");
  }

  @Test
  void testOfAProviderThatAnswersHasItsTextAndIsRecorded() {
    JsonNode result = test("openai", "{\"model\":\"scripted\"}");

    assertThat(result.path("ok").asBoolean()).isTrue();
    assertThat(result.path("model").asText()).isEqualTo("openai/scripted");
    assertThat(result.path("text").asText()).isEqualTo("You said: ping");
    assertThat(result.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(result.path("first_content_ms").asLong())
        .isLessThanOrEqualTo(result.path("duration_ms").asLong());
    JsonNode sent = gateway.provider().lastRequest().body();
    assertThat(sent.path("max_completion_tokens").asInt()).isEqualTo(16);
    UsageRecord record = record(result);
    assertThat(record.email()).isEqualTo(AdminBrowser.ADMIN);
    assertThat(record.keyHash()).isEmpty();
    assertThat(record.status()).isEqualTo(Status.SUCCESS);
    assertThat(record.tokensIn() + record.tokensOut())
        .isEqualTo(result.at("/usage/total_tokens").asLong());
    JsonNode action = Gateway.json(admin.get("/admin/api/actions?limit=200")).path("actions");
    assertThat(named(action, "subject", "openai/scripted").path("action").asText())
        .isEqualTo("provider.test");
  }

  @Test
  void costOfATestIsThatOfItsRecord() {
    JsonNode result = test("openai", "{\"model\":\"gpt-4o-mini\"}");

    assertThat(record(result).cost()).isEqualByComparingTo(result.path("cost").asText());
    assertThat(record(result).cost()).isPositive();
  }

  @Test
  void testWithoutAModelAsksTheFirstOneThatChats() {
    JsonNode result = Gateway.json(admin.post(OPENAI, ""));

    assertThat(result.path("ok").asBoolean()).isTrue();
    String model = result.path("model").asText().substring("openai/".length());
    JsonNode openai = provider(Gateway.json(admin.get(PROVIDERS)), "openai");
    assertThat(named(openai.path("models"), "id", model).path("abilities").toString())
        .contains("chat");
  }

  @Test
  void testOfAnEmbeddingModelAsksForAVector() {
    JsonNode result = test("openai", "{\"model\":\"text-embedding-3-small\"}");

    assertThat(result.path("ok").asBoolean()).as(result.toString()).isTrue();
    assertThat(result.path("type").asText()).isEqualTo("embedding");
    assertThat(gateway.provider().lastRequest().path()).isEqualTo("/v1/embeddings");
    assertThat(record(result).type()).isEqualTo("embedding");
  }

  @ParameterizedTest
  @CsvSource({
    "scripted-locked,  401, upstream_auth_error",
    "scripted-busy,    429, rate_limit_exceeded",
    "scripted-broken,  500, upstream_error",
    "no-such-model,    404, model_not_found"
  })
  void errorOfTheProviderIsTheAnswer(String model, int status, String code) {
    JsonNode result = test("openai", "{\"model\":\"%s\"}".formatted(model));

    assertThat(result.path("ok").asBoolean()).isFalse();
    assertThat(result.at("/error/provider_status").asInt()).isEqualTo(status);
    assertThat(result.at("/error/code").asText()).isEqualTo(code);
    assertThat(result.path("text").isMissingNode()).isTrue();
    assertThat(record(result).status()).isEqualTo(Status.ERROR);
  }

  @Test
  void providerThatHangsFailsAtTheTimeLimit(@TempDir Path data) {
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.put("PROVIDER_FIRST_TOKEN_SECONDS", "1");
    try (Gateway own = Gateway.start(data, settings)) {
      AdminBrowser browser = AdminBrowser.signedIn(own, AdminBrowser.ADMIN);
      for (String model : List.of("scripted-mute", "scripted-silent", "scripted-silent-later")) {
        int cancelled = own.provider().cancelled();

        JsonNode result = Gateway.json(browser.post(OPENAI, "{\"model\":\"%s\"}".formatted(model)));

        assertThat(result.path("ok").asBoolean()).isFalse();
        assertThat(result.at("/error/code").asText()).isEqualTo("upstream_timeout");
        assertThat(result.path("duration_ms").asInt()).isGreaterThanOrEqualTo(1000);
        Awaitility.await().until(() -> own.provider().cancelled() > cancelled);
        String id = result.path("request_id").asText();
        assertThat(own.awaitRecord(record -> record.requestId().equals(id)).status())
            .isEqualTo(Status.ERROR);
      }
    }
  }

  @Test
  void markupOfAProviderIsDataAndItsSecretsAreMasked() {
    String body =
        Json.text(
            Json.object()
                .set(
                    "error",
                    Json.object().put("message", "No " + MARKUP + ", the key is " + SECRET)));
    PLAYED.play(
        List.of(
            ("HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: "
                    + body.length()
                    + "\r\n\r\n"
                    + body)
                .getBytes(StandardCharsets.UTF_8)));

    HttpResponse<String> answer = admin.post(PROVIDERS + "/groq/test", "{\"model\":\"m\"}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(answer.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
    assertThat(answer.body()).doesNotContain(SECRET);
    assertThat(Gateway.json(answer).path("error").toString()).contains(MARKUP, "the key is …");
  }

  @Test
  void openBreakerIsShownAndDoesNotStopATest() {
    String model = "openai/scripted-down";
    for (int i = 0; i < 3; i++) {
      gateway.chat(annKey, model, false, "Hi");
    }
    assertThat(Gateway.json(gateway.chat(annKey, model, false, "Hi")).toString())
        .contains("not asked for a while");
    int before = gateway.provider().requests().size();

    JsonNode result = test("openai", "{\"model\":\"scripted-down\"}");

    assertThat(gateway.provider().requests()).hasSize(before + 1);
    assertThat(result.path("breaker").asText()).isEqualTo("open");
    assertThat(result.at("/error/provider_status").asInt()).isEqualTo(503);
    JsonNode report = Gateway.json(admin.get(PROVIDERS));
    assertThat(report.at("/breaker/seconds").asInt()).isEqualTo(600);
    JsonNode health = named(provider(report, "openai").path("health"), "model", "scripted-down");
    assertThat(health.path("breaker").asText()).isEqualTo("open");
    assertThat(health.path("failures").asInt()).isEqualTo(3);
    assertThat(health.path("last_error").asText()).isEqualTo("503 upstream_error");
    assertThat(gateway.application().modelHealth().views())
        .filteredOn(view -> view.model().equals(model))
        .extracting(ModelHealth.View::calls)
        .containsExactly(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nobody | {} | 404",
        "xai    | {} | 400",
        "openai | {\"model\":7} | 400",
        "openai | {\"prompt\":\"x\"} | 400",
        "openai | [] | 400",
        "compatible | {} | 400"
      })
  void wrongTestIsRefused(String provider, String body, int status) {
    int before = gateway.provider().requests().size();

    assertThat(admin.post(PROVIDERS + "/" + provider + "/test", body).statusCode())
        .isEqualTo(status);
    assertThat(gateway.provider().requests()).hasSize(before);
  }

  @Test
  void readingsOfTheProvidersOwnListsAreShown(@TempDir Path data) {
    try (ScriptedLists lists = ScriptedLists.start()) {
      lists.answer("/groq/models", "{\"data\":[{\"id\":\"own-model\",\"context_window\":4096}]}");
      Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
      settings.put("LIVE_MODELS", "on");
      settings.put("FIND_LOCAL_PROVIDERS", "off");
      settings.put("GROQ_BASE_URL", lists.url("/groq"));
      settings.put("GROQ_API_KEY", SECRET);
      settings.put("XAI_BASE_URL", "http://127.0.0.1:1/v1");
      settings.put("XAI_API_KEY", "k");
      try (Gateway own = Gateway.start(data, settings)) {
        AdminBrowser browser = AdminBrowser.signedIn(own, AdminBrowser.ADMIN);
        Awaitility.await()
            .untilAsserted(() -> {
              JsonNode report = Gateway.json(browser.get(PROVIDERS));
              JsonNode groq = provider(report, "groq");
              assertThat(groq.at("/list/models").asInt()).isEqualTo(1);
              assertThat(groq.at("/list/read_at").asText()).startsWith("20");
              assertThat(groq.at("/list/problem").isMissingNode()).isTrue();
              assertThat(
                      named(groq.path("models"), "id", "own-model").path("context_length").asInt())
                  .isEqualTo(4096);
              JsonNode xai = provider(report, "xai");
              assertThat(xai.at("/list/problem").asText()).contains("cannot be reached");
              assertThat(xai.at("/list/failed_at").asText()).startsWith("20");
              assertThat(xai.at("/list/read_at").isMissingNode()).isTrue();
            });
      }
    }
  }

  private static JsonNode test(String provider, String body) {
    HttpResponse<String> answer = admin.post(PROVIDERS + "/" + provider + "/test", body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }

  private static UsageRecord record(JsonNode result) {
    String id = result.path("request_id").asText();
    return gateway.awaitRecord(record -> record.requestId().equals(id));
  }

  private static JsonNode provider(JsonNode report, String name) {
    return named(report.path("providers"), "name", name);
  }

  private static JsonNode named(JsonNode list, String field, String value) {
    return list.valueStream()
        .filter(each -> each.path(field).asText().equals(value))
        .findFirst()
        .orElseThrow(() -> new AssertionError(value + " is not in " + list));
  }
}
