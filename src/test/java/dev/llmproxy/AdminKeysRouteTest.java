package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.services.sheets.v4.model.ValueRange;
import dev.llmproxy.base.Json;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.workbook.ApiKeyRow;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
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

/** The API keys on the management pages. */
class AdminKeysRouteTest {
  private static final String KEYS = "/admin/api/keys";

  private static Gateway gateway;
  private static AdminBrowser admin;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data, AdminBrowser.SETTINGS);
    gateway.setTiers(List.of("pro", 500), List.of("team", 500));
    admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void limitsOfAKeyAreWrittenIntoTheSheetAndApply() {
    JsonNode made =
        Gateway.json(
            admin.post(
                KEYS,
                "{\"email\":\"capped@example.com\",\"name\":\"L\",\"tier\":\"pro\",\"budget_usd_month\":\"12.5\",\"requests_per_minute\":\"7\"}"));
    String key = made.path("key").asText();

    HttpResponse<String> answer = gateway.chat(key, "openai/gpt-4o-mini", false, "hi");
    assertThat(answer.headers().firstValue("x-ratelimit-limit-requests")).contains("7");
    ApiKeyRow row = sheetRow("capped@example.com");
    assertThat(List.of(row.budget(), row.requestsPerMinute())).containsExactly("12.5", "7");
    JsonNode shown = only("capped@example.com");
    assertThat(shown.path("use").toString())
        .contains("{\"limit\":\"requests_per_minute\",\"most\":7,\"used\":1}")
        .contains("\"limit\":\"budget_usd_month\",\"most\":12.5");
    assertThat(shown.path("budget_usd_month").asText()).isEqualTo("12.5");
    assertThat(shown.path("requests_per_minute").asText()).isEqualTo("7");
  }

  @ParameterizedTest
  @CsvSource({"tier, gold", "budget_usd_month, ten", "requests_per_minute, 1.5"})
  void limitsThatCannotBeReadAreRefused(String field, String value) {
    HttpResponse<String> refused =
        admin.post(KEYS, "{\"email\":\"x@example.com\",\"%s\":\"%s\"}".formatted(field, value));
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(refused).at("/error/param").asText()).isEqualTo(field);
  }

  @Test
  void createdKeyWorksAtOnceAndIsShownOnce() {
    JsonNode made = create("made@example.com", "Laptop");
    String key = made.path("key").asText();

    assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(200);
    HttpResponse<String> list = admin.get(KEYS + "?search=made@example");
    JsonNode row = Gateway.json(list).at("/keys/0");
    assertThat(list.body()).doesNotContain(key);
    assertThat(row.path("key").asText()).isEqualTo(ApiKey.mask(key));
    assertThat(row.path("id").asText()).isEqualTo(made.path("id").asText());
    assertThat(row.path("state").asText()).isEqualTo("usable");
    assertThat(sheetRow("made@example.com").apiKey()).startsWith(ApiKey.mask(key));
    assertThat(actions()).doesNotContain(key).contains("key.create");
  }

  @Test
  void revokedKeyIsRefusedAtOnceAndMarkedInTheSheet() {
    JsonNode made = create("revoked@example.com", "Laptop");

    HttpResponse<String> answer = admin.post(path(made) + "/revoke", "");

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(gateway.get("/v1/models", made.path("key").asText()).statusCode()).isEqualTo(401);
    assertThat(sheetRow("revoked@example.com").revoked()).isEqualToIgnoringCase("true");
    assertThat(only("revoked@example.com").path("state").asText()).isEqualTo("revoked");
  }

  @Test
  void rotatedKeyExpiresAndItsSuccessorHasItsLimits() {
    JsonNode made =
        json(
            admin.post(
                KEYS,
                "{\"email\":\"rotated@example.com\",\"name\":\"R\",\"tier\":\"pro\",\"allowed_models\":\"openai/*\",\"notes\":\"n\"}"));

    JsonNode now = json(admin.post(path(made) + "/rotate", "{\"grace_hours\":0}"));
    JsonNode list = json(admin.get(KEYS + "?search=rotated@"));

    assertThat(gateway.get("/v1/models", made.path("key").asText()).statusCode()).isEqualTo(401);
    assertThat(gateway.get("/v1/models", now.path("key").asText()).statusCode()).isEqualTo(200);
    assertThat(list.path("keys").findValuesAsText("state")).containsExactly("expired", "usable");
    JsonNode successor = list.at("/keys/1");
    assertThat(successor.path("tier").asText()).isEqualTo("pro");
    assertThat(successor.path("allowed_models").asText()).isEqualTo("openai/*");
    assertThat(successor.path("notes").asText()).isEqualTo("n");
    assertThat(successor.path("expires_at").asText()).isEmpty();
  }

  @Test
  void rotatedKeyWorksDuringTheGracePeriod() {
    JsonNode made = create("grace@example.com", "G");

    json(admin.post(path(made) + "/rotate", "{\"grace_hours\":2}"));

    assertThat(gateway.get("/v1/models", made.path("key").asText()).statusCode()).isEqualTo(200);
    assertThat(sheetRow("grace@example.com").expiresAt()).isNotEmpty();
  }

  @Test
  void changeAppliesToTheSheetAndTheKey() {
    JsonNode made = create("changed@example.com", "Before");

    json(
        admin.change(
            "PATCH",
            path(made),
            "{\"expected\":{\"name\":\"Before\",\"tier\":\"free\",\"expires_at\":\"\",\"allowed_models\":\"\"},"
                + "\"changes\":{\"name\":\"After\",\"tier\":\"pro\",\"expires_at\":\"2099-01-31\",\"allowed_models\":\"groq/*\"}}"));

    ApiKeyRow row = sheetRow("changed@example.com");
    assertThat(List.of(row.keyName(), row.tier(), row.expiresAt(), row.allowedModels()))
        .containsExactly("After", "pro", "2099-01-31", "groq/*");
    assertThat(gateway.chat(made.path("key").asText(), "openai/x", false, "hi").statusCode())
        .isEqualTo(403);
  }

  @Test
  void secondOfTwoChangesOfOneCellIsAConflict() {
    JsonNode made = create("conflict@example.com", "C");
    String first = "{\"expected\":{\"tier\":\"free\"},\"changes\":{\"tier\":\"pro\"}}";
    String second = "{\"expected\":{\"tier\":\"free\"},\"changes\":{\"tier\":\"team\"}}";

    json(admin.change("PATCH", path(made), first));
    HttpResponse<String> refused =
        AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN).change("PATCH", path(made), second);

    refused(refused, 409, "changed_meanwhile");
    assertThat(Gateway.json(refused).at("/error/message").asText()).contains("Tier is \"pro\"");
    assertThat(sheetRow("conflict@example.com").tier()).isEqualTo("pro");
    assertThat(only("conflict@example.com").path("tier").asText()).isEqualTo("pro");
  }

  @Test
  void editInTheSheetAppearsOnThePageAndIsNotOverwritten() throws IOException {
    JsonNode made = create("sheet@example.com", "From the page");
    ApiKeyRow row = sheetRow("sheet@example.com");
    gateway
        .application()
        .workbook()
        .client()
        .spreadsheets()
        .values()
        .update(
            gateway.application().workbook().spreadsheetId(),
            "'User API Keys'!C" + row.number(),
            new ValueRange().setValues(List.of(List.of("From the sheet"))))
        .setValueInputOption("RAW")
        .execute();

    refused(
        admin.change(
            "PATCH",
            path(made),
            "{\"expected\":{\"name\":\"From the page\"},\"changes\":{\"name\":\"Late\"}}"),
        409,
        "changed_meanwhile");
    Awaitility.await()
        .untilAsserted(() ->
            assertThat(only("sheet@example.com").path("name").asText())
                .isEqualTo("From the sheet"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "=HYPERLINK(\"http://evil.example\")",
        "+1+cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>"
      })
  void formulasAndMarkupInNamesStayTexts(String name) {
    JsonNode made =
        json(
            admin.post(
                KEYS,
                Json.text(Json.object().put("email", "markup@example.com").put("name", name))));

    List<Object> row =
        gateway.sheet("User API Keys").stream()
            .filter(cells ->
                ApiKey.hashOfCell("" + cells.get(0)).stream()
                    .anyMatch(made.path("id").asText()::equals))
            .findFirst()
            .orElseThrow();
    assertThat(row.get(2)).isEqualTo(name);
    assertThat(admin.get(KEYS + "?search=markup").headers().firstValue("content-type"))
        .hasValue("application/json");
  }

  @Test
  void userSeesAndManagesOnlyTheOwnKeys() {
    JsonNode others = create("other@example.com", "Other");
    create("user@example.com", "Mine");
    AdminBrowser user = AdminBrowser.signedIn(gateway, "user@example.com");

    JsonNode list = json(user.get(KEYS));
    assertThat(list.path("keys").findValuesAsText("email")).containsOnly("user@example.com");
    assertThat(json(user.get(KEYS + "?search=other")).path("total").asInt()).isZero();
    assertThat(list.has("tiers")).isFalse();
    assertThat(json(admin.get(KEYS)).path("tiers").valueStream().map(JsonNode::asText))
        .contains("free");
    refused(user.post(path(others) + "/revoke", ""), 404, "no_such_key");
    refused(user.post(path(others) + "/rotate", "{}"), 404, "no_such_key");
    refused(
        user.change(
            "PATCH",
            path(others),
            "{\"expected\":{\"name\":\"Other\"},\"changes\":{\"name\":\"x\"}}"),
        404,
        "no_such_key");
    String own = KEYS + "/" + list.at("/keys/0/id").asText();
    json(
        user.change(
            "PATCH", own, "{\"expected\":{\"name\":\"Mine\"},\"changes\":{\"name\":\"New\"}}"));
    refused(
        user.change(
            "PATCH", own, "{\"expected\":{\"tier\":\"free\"},\"changes\":{\"tier\":\"pro\"}}"),
        403,
        "admin_only");
  }

  @Test
  void usersNewKeyHasTheLimitsOfTheOwnKeyAndTheOwnAddress() {
    json(
        admin.post(
            KEYS,
            "{\"email\":\"limited@example.com\",\"name\":\"L\",\"allowed_models\":\"groq/*\"}"));
    AdminBrowser user = AdminBrowser.signedIn(gateway, "limited@example.com");

    refused(user.post(KEYS, "{\"name\":\"x\",\"tier\":\"pro\"}"), 400, "unknown_parameter");
    refused(
        user.post(KEYS, "{\"name\":\"x\",\"email\":\"other@example.com\"}"),
        400,
        "unknown_parameter");
    JsonNode made = json(user.post(KEYS, "{\"name\":\"Second\"}"));

    assertThat(gateway.chat(made.path("key").asText(), "openai/x", false, "hi").statusCode())
        .isEqualTo(403);
    assertThat(json(user.get(KEYS)).path("keys").findValuesAsText("allowed_models"))
        .containsExactly("groq/*", "groq/*");
  }

  @Test
  void usersDoNotCreateKeysWhenTheSettingIsOff(@TempDir Path own) {
    try (Gateway other = Gateway.start(own, Map.of("USER_KEYS", "off"))) {
      other.createKey("ann@example.com");

      refused(
          AdminBrowser.signedIn(other, "ann@example.com").post(KEYS, "{\"name\":\"x\"}"),
          403,
          "admin_only");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{                                                       | ",
        "[]                                                      | ",
        "{\"name\":\"x\"}                                        | invalid_value",
        "{\"email\":\"ann\"}                                     | invalid_value",
        "{\"email\":\"a@example.com\",\"name\":7}                | invalid_type",
        "{\"email\":\"a@example.com\",\"name\":\"a\\nb\"}        | invalid_value",
        "{\"email\":\"a@example.com\",\"expires_at\":\"soon\"}   | invalid_value",
        "{\"email\":\"a@example.com\",\"expires_at\":\"2020-01-01\"} | invalid_value",
        "{\"email\":\"a@example.com\",\"allowed_models\":\"a; b\"} | invalid_value",
        "{\"email\":\"a@example.com\",\"role\":\"x\"}            | unknown_parameter"
      })
  void wrongFieldsAreRefused(String body, String code) {
    HttpResponse<String> answer = admin.post(KEYS, body);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    if (code != null) {
      refused(answer, 400, code);
    }
  }

  @Test
  void listIsSortedFilteredAndPaged() {
    for (String name : List.of("b", "c", "a")) {
      create("sorted@example.com", name);
    }

    assertThat(names("sort=name&order=asc")).containsExactly("a", "b", "c");
    assertThat(names("sort=name&order=desc&size=2")).containsExactly("c", "b");
    assertThat(names("sort=name&size=2&page=2")).containsExactly("c");
    assertThat(names("status=revoked")).isEmpty();
    refused(admin.get(KEYS + "?sort=secret"), 400, "invalid_value");
  }

  private static List<String> names(String query) {
    return json(admin.get(KEYS + "?search=sorted@&" + query)).path("keys").findValuesAsText("name");
  }

  private static JsonNode create(String email, String name) {
    return json(admin.post(KEYS, Json.text(Json.object().put("email", email).put("name", name))));
  }

  private static JsonNode only(String email) {
    return json(admin.get(KEYS + "?search=" + email)).at("/keys/0");
  }

  private static String path(JsonNode made) {
    return KEYS + "/" + made.path("id").asText();
  }

  private static ApiKeyRow sheetRow(String email) {
    return new ApiKeyBook(gateway.application().workbook())
        .rows().stream().filter(row -> row.email().equals(email)).findFirst().orElseThrow();
  }

  private static String actions() {
    return admin.get("/admin/api/actions").body();
  }

  private static JsonNode json(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }

  private static void refused(HttpResponse<String> answer, int status, String code) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(Gateway.json(answer).at("/error/code").asText()).isEqualTo(code);
  }
}
