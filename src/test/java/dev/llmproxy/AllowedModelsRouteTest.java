package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.services.sheets.v4.model.ValueRange;
import dev.llmproxy.base.Json;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
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

/** Keys that may use some models only: the column Allowed Models. */
class AllowedModelsRouteTest {
  private static final String ALIASES =
      """
      aliases:
        fast: openai/scripted-fast
        inside: [openai/gpt-4o, openai/gpt-4o-mini]
        mixed: [openai/gpt-4o, openai/scripted]
        longer: {models: [openai/gpt-4o], contextLength: openai/scripted}
        "my-*": openai/scripted-*
      """;

  private static Gateway gateway;
  private static String all;
  private static String some;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("providers/routing.yaml"), ALIASES);
    gateway = Gateway.startAt(home, folder.resolve("data"), Map.of());
    all = gateway.createKey("all@example.com");
    some = gateway.createKey("some@example.com");
    allow(some, "some@example.com", "openai/gpt-4o*, fast,my-*");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire("2.allowed")
  @Test
  void listHasTheAllowedModelsAndTheAliasesOfNothingElse() {
    List<String> everything = ids(all);
    List<String> allowed = ids(some);

    assertThat(everything).contains("fast", "inside", "mixed", "longer", "openai/gpt-4.1");
    assertThat(allowed)
        .containsExactlyElementsOf(
            everything.stream()
                .filter(id ->
                    id.startsWith("openai/gpt-4o") || id.equals("fast") || id.equals("inside"))
                .toList())
        .contains("openai/gpt-4o-mini", "fast", "inside");
  }

  @Wire({"2.allowed", "6.404"})
  @ParameterizedTest
  @ValueSource(strings = {"openai/gpt-4.1", "gpt-4.1", "mixed", "longer", "openai/scripted-fast"})
  void othersAreUnknownWhenRetrieved(String model) {
    HttpResponse<String> refused = gateway.get("/v1/models/" + model, some);
    HttpResponse<String> unknown = gateway.get("/v1/models/no/model", some);

    assertThat(gateway.get("/v1/models/" + model, all).statusCode()).isEqualTo(200);
    assertThat(refused.statusCode()).isEqualTo(404);
    assertThat(refused.body()).isEqualTo(unknown.body().replace("no/model", model));
  }

  @Wire("2.allowed")
  @ParameterizedTest
  @ValueSource(strings = {"openai/gpt-4o-mini", "gpt-4o-mini", "inside", "fast", "my-fast"})
  void allowedModelsAnswer(String model) {
    assertThat(gateway.get("/v1/models/" + model, some).statusCode()).isEqualTo(200);
    assertThat(gateway.chat(some, model, false, "Hello").statusCode()).isEqualTo(200);
    assertThat(gateway.chat(some, model, true, "Hello").statusCode()).isEqualTo(200);
  }

  @Wire("6.403")
  @ParameterizedTest
  @CsvSource({
    "openai/scripted,      true",
    "openai/scripted,      false",
    "openai/scripted-fast, false",
    "openai/OpenAI/gpt-4o, false",
    "openai//gpt-4o,       false",
    "gpt-4.1,              true",
    "mixed,                false",
    "longer,               false",
  })
  void otherChatsAreRefusedAndReachNoProvider(String model, boolean stream) {
    int before = gateway.provider().requests().size();

    assertRefused(gateway.chat(some, model, stream, "Hello"), model);

    assertThat(gateway.provider().requests()).hasSize(before);
    assertThat(gateway.chat(all, model, stream, "Hello").statusCode()).isEqualTo(200);
  }

  @Wire("6.403")
  @Test
  void otherEmbeddingsAreRefused() {
    assertRefused(
        embedding(some, "openai/text-embedding-3-small"), "openai/text-embedding-3-small");
    assertThat(embedding(all, "openai/text-embedding-3-small").statusCode()).isEqualTo(200);
    assertThat(embedding(some, "fast").statusCode()).isEqualTo(200);
  }

  @Wire("6.403")
  @Test
  void furtherModelsOfARequestMustBeAllowedToo() {
    String body =
        """
        {"model": "fast", "messages": [{"role": "user", "content": "Hello"}], "models": ["gpt-4o-mini"%s]}\
        """;

    assertThat(gateway.post(some, body.formatted("")).statusCode()).isEqualTo(200);
    assertRefused(gateway.post(some, body.formatted(", \"gpt-4.1\"")), "openai/gpt-4.1");
    assertThat(gateway.post(all, body.formatted(", \"gpt-4.1\"")).statusCode()).isEqualTo(200);
  }

  @Test
  void healthReportHasOnlyModelsOfTheKey() {
    gateway.chat(all, "openai/gpt-4.1", false, "Hello");
    gateway.chat(all, "gpt-4o-mini", false, "Hello");

    assertThat(gateway.get("/health", all).body()).contains("openai/gpt-4.1", "openai/gpt-4o-mini");
    assertThat(gateway.get("/health", some).body())
        .contains("openai/gpt-4o-mini")
        .doesNotContain("openai/gpt-4.1");
  }

  @Test
  void changedCellAppliesToTheKey() throws IOException {
    String key = gateway.createKey("changed@example.com");
    allow(key, "changed@example.com", "fast");
    assertThat(gateway.chat(key, "openai/scripted", false, "Hello").statusCode()).isEqualTo(403);
    allow(key, "changed@example.com", "*");
    assertThat(gateway.chat(key, "openai/scripted", false, "Hello").statusCode()).isEqualTo(200);
    allow(key, "changed@example.com", "a b");
    assertThat(ids(key)).isEmpty();
    Awaitility.await()
        .until(() ->
            row("changed@example.com").status().contains("Allowed Models that cannot be read"));
    allow(key, "changed@example.com", "");
    assertThat(ids(key)).isEqualTo(ids(all));
  }

  private static void assertRefused(HttpResponse<String> answer, String model) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(403);
    JsonNode error = Gateway.json(answer).path("error");
    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("code").asText()).isEqualTo("model_not_allowed");
    assertThat(error.path("param").asText()).isEqualTo("model");
    assertThat(error.path("message").asText()).contains("`" + model + "`");
  }

  private static HttpResponse<String> embedding(String key, String model) {
    return gateway.post(
        "/v1/embeddings", key, Json.text(Json.object().put("model", model).put("input", "Hello")));
  }

  private static List<String> ids(String key) {
    return Gateway.json(gateway.get("/v1/models", key)).path("data").findValuesAsText("id");
  }

  private static ApiKeyRow row(String email) {
    return new ApiKeyBook(gateway.application().workbook())
        .rows().stream().filter(row -> row.email().equals(email)).findFirst().orElseThrow();
  }

  /** Writes the cell of a key, and waits until the gateway has read it. */
  private static void allow(String key, String email, String cell) throws IOException {
    var workbook = gateway.application().workbook();
    char column = (char) ('A' + ApiKeySheet.HEADERS.indexOf(ApiKeySheet.ALLOWED_MODELS));
    var directory = gateway.application().keyDirectory();
    var before = directory.find(ApiKey.hash(key)).orElseThrow();
    workbook
        .client()
        .spreadsheets()
        .values()
        .update(
            workbook.spreadsheetId(),
            "'%s'!%s%d".formatted(ApiKeySheet.TITLE, column, row(email).number()),
            new ValueRange().setValues(List.of(List.of(cell))))
        .setValueInputOption("RAW")
        .execute();
    Awaitility.await().until(() -> !directory.find(ApiKey.hash(key)).orElseThrow().equals(before));
  }
}
