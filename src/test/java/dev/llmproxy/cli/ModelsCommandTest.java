package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.ModelListing;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelsCommandTest {
  private static final String FILE =
      """
      label: A
      format: openai
      baseUrl: https://a.example/v1
      models:
        - {id: same, label: Same, contextLength: 1000}
        - {id: longer, label: Longer, contextLength: 1000}
        - {id: gone, label: Gone}
        - id: priced
          label: Priced
          price: {input: 1, cached: 0.5, output: 2, from: 2026-01-01, source: a page, above: {200000: {input: 3}}}
      """;

  @TempDir private Path home;
  private final Map<String, String> pages = new HashMap<>();
  private HttpServer server;
  private String out;

  @BeforeEach
  void start() throws IOException {
    Files.writeString(home.resolve("application.properties"), "LOCAL_MODEL = off\n");
    Files.createDirectory(home.resolve("providers"));
    Files.writeString(home.resolve("providers/a.yaml"), FILE);
    Files.writeString(home.resolve("providers/b.yaml"), "format: openai\nmodels: [{id: m}]\n");
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String page = pages.get(exchange.getRequestURI().toString());
          boolean allowed =
              "Bearer key-1".equals(exchange.getRequestHeaders().getFirst("Authorization"));
          byte[] body = (page == null ? "{}" : page).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(allowed ? page == null ? 404 : 200 : 401, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void modelsOfProvidersThatAreOnAreListedWithTheirPrices() {
    assertThat(run("models")).isZero();
    assertThat(out)
        .contains("a/priced", "Priced", "1/3", "0.5", "[1] a page, from 2026-01-01")
        .contains("the second price is that of long prompts")
        .contains("Off: b (B_BASE_URL is not set)")
        .doesNotContain("b/m");
    assertThat(run("models", "--all")).isZero();
    assertThat(out).contains("b/m", "B_BASE_URL is not set");
  }

  @Test
  void jsonHasAllPricesAndNullForUnknownOnes() throws JsonProcessingException {
    assertThat(run("models", "--json")).isZero();
    JsonNode list = Json.parse(out);
    assertThat(list).hasSize(4);
    assertThat(list.get(0).path("price").isNull()).isTrue();
    assertThat(list.get(0).path("context_length").asInt()).isEqualTo(1000);
    assertThat(list.get(3).path("price"))
        .isEqualTo(
            Json.parse(
                """
                {"input": 1, "cached": 0.5, "output": 2,
                 "tiers": [{"above": 200000, "input": 3, "cached": 0.5, "output": 2}],
                 "from": "2026-01-01", "source": "a page"}\
                """));
  }

  @Test
  void refreshShowsNewModelsGoneModelsAndOtherContextLengths() throws JsonProcessingException {
    pages.put(
        "/v1/models",
        """
        {"data": [{"id": "same", "context_length": 1000}, {"id": "longer", "context_length": 2000},
         {"id": "new", "context_length": 5000}, {"id": "priced"}]}\
        """);
    assertThat(run("models", "refresh", "--json")).isZero();
    assertThat(Json.parse(out))
        .extracting(
            each -> each.path("change").asText(),
            each -> each.path("model").asText(),
            each -> each.path("details").asText())
        .containsExactly(
            tuple("context", "longer", "context length 2,000, here 1,000"),
            tuple("gone", "gone", "the provider does not list it"),
            tuple("new", "new", "context length 5,000"));
    assertThat(run("models", "refresh")).isZero();
    assertThat(out).contains("gone", "the provider does not list it");
  }

  @Test
  void aliasesAreListedWithAllTargets() throws IOException {
    Files.writeString(
        home.resolve("providers/routing.yaml"),
        """
        aliases:
          fast: {models: [{model: a/same, weight: 3}, {model: b/m, weight: 1}], contextLength: a/longer, contentPolicy: b/m}
          "gpt-*": b/*
        """);
    assertThat(run("models")).isZero();
    assertThat(out)
        .containsPattern(
            "fast +a/same \\(weight 3\\), b/m \\(off\\) \\(weight 1\\), when too long a/longer, when refused b/m \\(off\\)\n")
        .containsPattern("gpt-\\* +b/\\* \\(off\\) +all are off\n");
    assertThat(run("models", "--json")).isZero();
    JsonNode list = Json.parse(out);
    assertThat(list).hasSize(6);
    assertThat(list.get(4))
        .isEqualTo(
            Json.parse(
                """
                {"id": "fast", "on": true,
                 "alias_of": [{"model": "a/same", "on": true, "weight": 3}, {"model": "b/m", "on": false, "weight": 1}],
                 "when_too_long": [{"model": "a/longer", "on": true}], "when_refused": [{"model": "b/m", "on": false}]}\
                """));
    assertThat(list.get(5))
        .isEqualTo(
            Json.parse(
                """
                {"id": "gpt-*", "on": false, "alias_of": [{"model": "b/*", "on": false}]}\
                """));
  }

  @Test
  void refreshKnowsTheServicesOfARouter() throws IOException {
    Files.writeString(
        home.resolve("providers/a.yaml"),
        """
        format: openai
        baseUrl: https://a.example/v1
        models:
          - {id: "x/m:one", contextLength: 1000}
          - {id: "x/m:two", contextLength: 1000}
          - {id: "x/m:three"}
          - {id: "y:one"}
        hide: hidden*
        """);
    pages.put(
        "/v1/models",
        """
        {"data": [{"id": "x/m", "providers": [{"provider": "one", "status": "live", "context_length": 1000},
          {"provider": "two", "context_length": 2000}]}, {"id": "z", "providers": [{"provider": "one"}]},
          {"id": "hidden-1"}]}\
        """);
    assertThat(run("models", "refresh", "--json")).isZero();
    assertThat(Json.parse(out))
        .extracting(each -> each.path("change").asText(), each -> each.path("model").asText())
        .containsExactly(
            tuple("context", "x/m:two"),
            tuple("gone", "x/m:three"),
            tuple("gone", "y:one"),
            tuple("new", "z"));
  }

  @Test
  void refreshLeavesOutProvidersWhoseListIsNotRead() throws IOException {
    Files.writeString(home.resolve("providers/a.yaml"), FILE + "listed: file\n");
    pages.put("/v1/models", "{\"data\": [{\"id\": \"other\"}]}");
    assertThat(run("models", "refresh", "--json")).isZero();
    assertThat(Json.parse(out)).isEmpty();
  }

  @Test
  void refreshReadsAllPages() throws JsonProcessingException {
    pages.put(
        "/v1/models", "{\"data\": [{\"id\": \"same\"}], \"has_more\": true, \"last_id\": \"s/1\"}");
    pages.put(
        "/v1/models?after_id=s%2F1",
        "{\"data\": [{\"id\": \"longer\"}, {\"id\": \"gone\"}, {\"id\": \"priced\"}], \"has_more\": false}");
    assertThat(run("models", "refresh", "--json")).isZero();
    assertThat(Json.parse(out)).isEmpty();
    run("models", "refresh");
    assertThat(out).contains("The catalogue has the models that the providers list.");
  }

  /** Columns: the answer, or nothing for a 404 | the reason. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "                | it answers with status 404",
        "{\"data\": 5}   | its answer is not a list of models",
        "<html>          | its answer is not a list of models",
      })
  void providerWithoutAListIsAFailure(String answer, String reason) {
    if (answer != null) {
      pages.put("/v1/models", answer);
    }
    assertThat(run("models", "refresh")).isEqualTo(1);
    assertThat(out).contains("failed", "a", reason);
  }

  /** Columns: a list in a provider's form | id and context length of its first model, next page. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"object\":\"list\",\"data\":[{\"id\":\"gpt\",\"created\":1}]} | gpt | 0 | ~~",
        "{\"data\":[{\"id\":\"claude\",\"max_input_tokens\":200000,\"max_tokens\":64000}],\"has_more\":true,\"last_id\":\"c\"} | claude | 200000 | after_id=c",
        "{\"models\":[{\"name\":\"models/gemini\",\"inputTokenLimit\":1048576}],\"nextPageToken\":\"t=\"} | gemini | 1048576 | pageToken=t%3D",
        "{\"data\":[{\"id\":\"mistral\",\"max_context_length\":131072}]} | mistral | 131072 | ~~",
        "{\"data\":[{\"id\":\"a/b\",\"context_length\":5}],\"links\":{\"next\":\"/api/v1/models?offset=500\"}} | a/b | 5 | offset=500",
        "[{\"id\":\"together\",\"context_length\":7}] | together | 7 | ~~",
        "{\"data\":[{\"id\":\"novita\",\"context_size\":8}]} | novita | 8 | ~~",
        "{\"data\":[{\"id\":\"vllm\",\"max_model_len\":9}]} | vllm | 9 | ~~",
        "{\"data\":[{\"id\":\"llama.cpp\",\"meta\":{\"n_ctx\":10}}]} | llama.cpp | 10 | ~~",
        "{\"data\":[{\"no\":1},{\"id\":\"groq\",\"context_window\":11}]} | groq | 11 | ~~",
      })
  void listsOfAllProvidersAreRead(String list, String id, int context, String next)
      throws JsonProcessingException {
    ModelListing page = ModelListing.of(Json.parse(list));
    assertThat(page.models())
        .extracting(ModelListing.Listed::id, ModelListing.Listed::contextLength)
        .containsExactly(tuple(id, context));
    assertThat(page.next()).isEqualTo(next);
  }

  private int run(String... arguments) {
    StringWriter standard = new StringWriter();
    Settings settings =
        Settings.load(
            home,
            Map.of(
                "A_API_KEY",
                "key-1",
                "A_BASE_URL",
                "http://127.0.0.1:" + server.getAddress().getPort() + "/v1",
                "COLUMNS",
                "200"));
    int status =
        LlmProxyCommand.commandLine(settings)
            .setOut(new PrintWriter(standard, true))
            .execute(arguments);
    out = standard.toString();
    return status;
  }
}
