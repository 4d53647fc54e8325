package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.WorkbookSchema;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Authentication by API key, and answers outside the routes. */
class GateRouteTest {
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data);
    key = gateway.createKey("gate@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void missingSheetsAreCreatedWithTheirHeaders() {
    assertThat(gateway.sheet(ApiKeySheet.TITLE).get(0))
        .containsExactly(
            "API Key",
            "User Email",
            "Key Name",
            "Tier",
            "Created At",
            "Last Used",
            "Requests",
            "Tokens",
            "Revoked",
            "Notes",
            "Status",
            "Expires At",
            "Log Conversations",
            "Allowed Models",
            "Budget USD/month",
            "Requests/min");
    assertThat(gateway.sheet(WorkbookSchema.SYNC_TITLE).get(0))
        .containsExactly("Ledger", "Sequence", "Written At");
  }

  @Wire({"2.early", "6.401"})
  @Test
  void requestsWithoutAKeyAreRefusedBeforeTheBodyIsParsed() {
    HttpResponse<String> response = gateway.post(null, "{");

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(Gateway.json(response).at("/error/code").isNull()).isTrue();
  }

  @Wire({"2.key", "6.401"})
  @ParameterizedTest
  @ValueSource(strings = {"sk-unknown", "", "x y"})
  void unknownKeysAreRefusedAndNotRepeated(String unknown) {
    HttpResponse<String> response =
        gateway.send(
            gateway
                .request("/v1/models", null)
                .header("Authorization", "Bearer " + unknown)
                .GET()
                .build());

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("invalid_api_key");
    assertThat(response.body()).doesNotContain("sk-unknown");
  }

  @Wire("2.auth")
  @Test
  void theSchemeBearerMayBeInAnyCase() {
    HttpResponse<String> response =
        gateway.send(
            gateway
                .request("/v1/models", null)
                .header("Authorization", "bEARER " + key)
                .GET()
                .build());

    assertThat(response.statusCode()).isEqualTo(200);
  }

  @Wire("6.401")
  @Test
  void aRevokedKeyIsRefused() {
    String revoked = gateway.createKey("revoked@example.com");
    assertThat(gateway.get("/v1/models", revoked).statusCode()).isEqualTo(200);

    ApiKeyBook book = new ApiKeyBook(gateway.application().workbook());
    ApiKeyRow row =
        book.rows().stream()
            .filter(each -> each.email().equals("revoked@example.com"))
            .findFirst()
            .orElseThrow();
    book.revoke(row);
    gateway.awaitKnown(revoked, false);

    HttpResponse<String> response = gateway.get("/v1/models", revoked);
    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("invalid_api_key");
  }

  @Test
  void newKeysAreAcceptedBeforeTheNextRefresh(@TempDir Path data) {
    try (Gateway slow = Gateway.start(data, Map.of("KEYS_REFRESH_SECONDS", "3600"))) {
      String fresh = "sk-made-a-moment-ago";
      new ApiKeyBook(slow.application().workbook())
          .add(fresh, "new@example.com", "New", "free", "2026-01-01T00:00:00Z");

      org.awaitility.Awaitility.await()
          .until(() -> slow.get("/v1/models", fresh).statusCode() == 200);
    }
  }

  @Test
  void clearKeysTypedByAnAdministratorAreAccepted(@TempDir Path data) throws Exception {
    try (Gateway fresh = Gateway.start(data)) {
      fresh
          .application()
          .workbook()
          .client()
          .spreadsheets()
          .values()
          .append(
              fresh.application().workbook().spreadsheetId(),
              ApiKeySheet.TITLE + "!A1",
              new com.google.api.services.sheets.v4.model.ValueRange()
                  .setValues(List.of(List.of("sk-typed-by-hand", "hand@example.com"))))
          .setValueInputOption("RAW")
          .execute();

      fresh.awaitKnown("sk-typed-by-hand", true);
      assertThat(fresh.get("/v1/models", "sk-typed-by-hand").statusCode()).isEqualTo(200);
    }
  }

  @Wire("2.model")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/models/openai/gpt-4o-mini",
        "/v1/models/openai%2Fgpt-4o-mini",
        "/v1/models/openai%2fgpt-4o-mini"
      })
  void modelsAreFoundWithRawAndEncodedSlashes(String path) {
    HttpResponse<String> response = gateway.get(path, key);

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(Gateway.json(response).path("id").asText()).isEqualTo("openai/gpt-4o-mini");
  }

  @Test
  void modelsOutsideTheCatalogueHaveOnlyTheirId() {
    assertThat(Gateway.json(gateway.get("/v1/models/openai/gpt-4o-mini", key)).toString())
        .isEqualTo(
            "{\"id\":\"openai/gpt-4o-mini\",\"object\":\"model\",\"created\":1721260800,\"owned_by\":\"openai\","
                + "\"type\":\"model\",\"display_name\":\"GPT-4o mini\",\"created_at\":\"2024-07-18T00:00:00Z\","
                + "\"label\":\"GPT-4o mini\",\"context_length\":128000,"
                + "\"abilities\":[\"chat\",\"tools\",\"vision\",\"json-schema\"]}");
    assertThat(Gateway.json(gateway.get("/v1/models/openai/scripted", key)).toString())
        .isEqualTo(
            "{\"id\":\"openai/scripted\",\"object\":\"model\",\"created\":0,\"owned_by\":\"openai\","
                + "\"type\":\"model\",\"display_name\":\"openai/scripted\",\"created_at\":\"1970-01-01T00:00:00Z\"}");
  }

  @Wire("6.404")
  @Test
  void unknownModelsAreNotFound() {
    HttpResponse<String> response = gateway.get("/v1/models/nobody/nothing", key);

    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo("model_not_found");
  }

  @Test
  void theListHasTheModelsOfActiveProviders() {
    assertThat(Gateway.json(gateway.get("/v1/models", key)).path("data").findValuesAsText("id"))
        .contains("openai/gpt-4o")
        .noneMatch(id -> id.startsWith("groq/") || id.startsWith("local/"));
  }

  @Wire({"2.404", "2.405", "6.404url", "6.405"})
  @Test
  void unknownPathsAndWrongMethodsAreAnsweredInJson() {
    HttpResponse<String> unknown = gateway.get("/v2/nothing", key);
    HttpResponse<String> wrong = gateway.send(gateway.request("/v1/models", key).DELETE().build());

    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(Gateway.json(unknown).at("/error/code").asText()).isEqualTo("unknown_url");
    assertThat(wrong.statusCode()).isEqualTo(405);
    assertThat(Gateway.json(wrong).at("/error/code").asText()).isEqualTo("method_not_supported");
    assertThat(List.of(unknown, wrong))
        .allSatisfy(
            response -> assertThat(response.headers().firstValue("x-request-id")).isPresent());
  }

  @Wire({"7.limit", "6.413"})
  @Test
  void bodiesOverTheLimitAreRefused() {
    assertThat(gateway.post(key, " ".repeat(21 << 20)).statusCode()).isEqualTo(413);
  }
}
