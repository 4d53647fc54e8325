package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests that name their model by an alias or by the provider's own name. */
class ModelNamesRouteTest {
  private static final Pattern MODEL = Pattern.compile("\"model\":\"([^\"]*)\"");

  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway =
        Gateway.start(
            data,
            Map.of(
                "MODEL_ALIASES",
                "fast -> openai/scripted-fast, claude-* -> openai/*-x, chain -> openai/a | openai/b | groq/off"));
    key = gateway.createKey("names@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire("2.names")
  @ParameterizedTest
  @CsvSource({
    "fast,        scripted-fast, false",
    "fast,        scripted-fast, true",
    "claude-5,    5-x,           false",
    "gpt-4o-mini, gpt-4o-mini,   true",
    "openai/any,  any,           false",
  })
  void answerHasTheNameOfTheRequestAndTheRecordTheModelThatAnswered(
      String name, String upstream, boolean stream) {
    HttpResponse<String> answer = gateway.chat(key, name, stream, "Hello");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(MODEL.matcher(answer.body()).results().map(found -> found.group(1)).distinct())
        .containsExactly(name);
    assertThat(answer.headers().firstValue("x-llmproxy-model")).hasValue("openai/" + upstream);
    assertThat(gateway.provider().requests().getLast().body().path("model").asText())
        .isEqualTo(upstream);
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    assertThat(gateway.awaitRecord(record -> record.requestId().equals(id)).model())
        .isEqualTo("openai/" + upstream);
  }

  @Wire("2.names")
  @Test
  void embeddingsTakeAliases() {
    HttpResponse<String> answer =
        gateway.post("/v1/embeddings", key, "{\"model\":\"fast\",\"input\":\"Hello\"}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(Gateway.json(answer).path("model").asText()).isEqualTo("fast");
    assertThat(answer.headers().firstValue("x-llmproxy-model")).hasValue("openai/scripted-fast");
  }

  @Wire("2.names")
  @Test
  void listHasAliasesWithoutStarAndEachCanBeRetrieved() {
    JsonNode list = Gateway.json(gateway.get("/v1/models", key)).path("data");
    JsonNode alias =
        list.valueStream()
            .filter(model -> model.path("id").asText().equals("fast"))
            .findFirst()
            .orElseThrow();

    assertThat(alias.path("alias_of").asText()).isEqualTo("openai/scripted-fast");
    assertThat(alias.path("owned_by").asText()).isEqualTo("openai");
    assertThat(list.findValuesAsText("id")).noneMatch(id -> id.contains("*"));
    assertThat(Gateway.json(gateway.get("/v1/models/fast", key))).isEqualTo(alias);
    assertThat(Gateway.json(gateway.get("/v1/models/chain", key)).path("alias_of").asText())
        .as("the targets whose provider is on")
        .isEqualTo("openai/a, openai/b");
  }

  @Test
  void headerHasOnlyAscii() {
    HttpResponse<String> answer = gateway.chat(key, "openai/モデル", false, "Hello");

    assertThat(answer.headers().firstValue("x-llmproxy-model"))
        .hasValue("openai/%E3%83%A2%E3%83%87%E3%83%AB");
  }
}
