package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The page Routes: the routes that run, their texts and steps, and the figures of a measurement.
 */
class AdminRoutesRouteTest {
  private static final String ROUTES = "/admin/api/routes";
  private static final String MEASURE = "/admin/api/routes/measure";
  private static final String ANN = "ann@example.com";
  private static final String MODEL = "openai/scripted";

  /** A route of an installation that uses a secret in all the places that the page shows. */
  private static final String SECRET_ROUTE =
      """
      # A note of the installation.
      - route:
          id: test-secret
          description: Uses {{OPENAI_API_KEY}}
          from:
            uri: direct:test-secret
            steps:
              - setHeader:
                  name: Authorization
                  constant: "Bearer {{OPENAI_API_KEY}}"
              - filter:
                  simple: "${body} == '{{OPENAI_API_KEY}}'"
                  steps:
                    - to:
                        uri: http://127.0.0.1:9/{{OPENAI_API_KEY}}
                        parameters:
                          httpMethod: GET
                    - toD: "http://127.0.0.1:9/{{OPENAI_API_KEY}}/${body}"
      """;

  private Gateway gateway;
  private String key;
  private AdminBrowser admin;

  @BeforeEach
  void start(@TempDir Path folder) throws IOException {
    gateway = Gateway.startWith(SECRET_ROUTE, folder, AdminBrowser.SETTINGS);
    key = gateway.createKey(ANN);
    gateway.awaitKnown(key, true);
    admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @Test
  void allRoutesAreListedWithTheRoutesThatTheyCall() throws IOException {
    JsonNode list = json(admin.get(ROUTES));

    assertThat(list.path("measurement").isNull()).isTrue();
    List<String> files;
    try (Stream<Path> routes = Files.list(Path.of("routes"))) {
      files =
          routes
              .filter(Files::isRegularFile)
              .map(file -> file.getFileName().toString())
              .filter(name -> !name.matches("(beans|errors|application|search-errors)\\..*"))
              .toList();
    }
    assertThat(list.path("routes").findValuesAsText("file"))
        .containsAll(files)
        .contains("test.camel.yaml");
    JsonNode chat = route(list, "api-chat-completions");
    assertThat(chat.path("from").asText()).isEqualTo("platform-http:/v1/chat/completions");
    assertThat(chat.path("description").asText()).startsWith("POST /v1/chat/completions");
    assertThat(chat.path("figures").isNull()).isTrue();
    assertThat(texts(chat.path("calls")))
        .containsExactly("call-serve", "gate-authenticate", "gate-limit", "hook-request");
    assertThat(texts(route(list, "chat-events").path("calls")))
        .as("by the property sink")
        .containsExactly(
            "sink-chunks",
            "sink-completion",
            "sink-embeddings",
            "sink-events",
            "sink-media",
            "sink-message",
            "sink-message-events",
            "sink-response",
            "sink-response-events",
            "sink-text-chunks",
            "sink-text-completion");
    assertThat(texts(route(list, "provider-attempts").path("calls")))
        .as("by the description of the step")
        .contains("provider-openai", "provider-anthropic", "provider-gemini", "provider-local");
    assertThat(texts(route(list, "call-end").path("calls"))).as("wire tap").isNotEmpty();
  }

  @Test
  void aRouteHasItsTextAndItsStepsWithTheirLines() throws IOException {
    JsonNode route = json(admin.get(ROUTES + "/call-serve"));

    String text = Files.readString(Path.of("routes/call-serve.camel.yaml"));
    assertThat(route.path("text").asText()).isEqualTo(text);
    assertThat(texts(route.path("called_by")))
        .contains("api-chat", "api-chat-completions", "api-embeddings")
        .doesNotContain("api-models");
    assertThat(kinds(route.path("steps"))).containsExactly("doTry");
    JsonNode steps = route.at("/steps/0/steps");
    assertThat(kinds(steps))
        .containsExactly(
            "to", "filter", "to", "process", "setProperty", "choice", "doCatch", "doFinally");
    assertThat(kinds(steps.path(5).path("steps")))
        .containsExactly("when", "when", "when", "otherwise");
    assertThat(steps.path(0).path("label").asText()).isEqualTo("direct:gate-admit");
    assertThat(texts(steps.path(0).path("calls"))).containsExactly("gate-admit");
    assertThat(steps.path(3).path("label").asText()).contains("callWatch.begin");
    assertThat(steps.path(4).path("label").asText()).contains("cached");
    assertThat(steps.at("/5/steps/0/label").asText()).contains("responseCache.hit");
    assertThat(steps.at("/5/label").asText()).isEmpty();
    assertThat(steps.at("/6/label").asText()).isEqualTo("java.lang.Exception");
    assertThat(steps.at("/7/steps/0/calls/0").asText()).isEqualTo("call-end");
  }

  @Test
  void theLineOfEachStepOfEachRouteIsInItsText() {
    for (String id : json(admin.get(ROUTES)).path("routes").findValuesAsText("id")) {
      JsonNode route = json(admin.get(ROUTES + "/" + id));
      List<String> lines = route.path("text").asText().lines().toList();
      for (JsonNode step : flat(route.path("steps"))) {
        String line = lines.get(step.path("line").asInt() - 1);
        String kind = step.path("kind").asText();
        if (!List.of("when", "doCatch").contains(kind)) {
          assertThat(line).as(id + ": " + step).contains(kind + ":");
        }
      }
    }
  }

  @Test
  void placeholdersAreNotReplacedByTheirValues() {
    JsonNode route = json(admin.get(ROUTES + "/test-secret"));

    assertThat(route.path("text").asText()).isEqualTo(SECRET_ROUTE);
    assertThat(flat(route.path("steps")))
        .extracting(step -> step.path("label").asText())
        .anySatisfy(label -> assertThat(label).contains("127.0.0.1:9/{{OPENAI_API_KEY}}"));
    assertThat(route.toString() + admin.get(ROUTES).body())
        .contains("{{OPENAI_API_KEY}}")
        .doesNotContain("provider-secret");
  }

  @Test
  void textIsThatOfTheStartAfterAnEdit() throws IOException {
    Path file = gateway.settings().home().resolve("routes/test.camel.yaml");
    assertThat(json(admin.get(ROUTES + "/test-secret")).path("text").asText()).contains("A note");
    Files.writeString(file, "# Broken by an edit");

    assertThat(json(admin.get(ROUTES + "/test-secret")).path("text").asText())
        .isEqualTo(SECRET_ROUTE);
  }

  @Test
  void measurementCountsExchangesAndFailuresOfRoutesAndSteps() {
    gateway.chat(key, MODEL, false, "before");
    gateway.awaitRecords(1);
    JsonNode begun = json(admin.post(MEASURE, "{\"minutes\": 5}")).path("measurement");
    assertThat(begun.path("running").asBoolean()).isTrue();

    gateway.chat(key, MODEL, false, "one");
    gateway.chat(key, MODEL, true, "two");
    assertThat(gateway.chat(key, MODEL, false, "[[script status=500]]").statusCode())
        .isGreaterThanOrEqualTo(500);
    assertThat(gateway.chat("sk-unknown", MODEL, false, "three").statusCode()).isEqualTo(401);
    gateway.awaitRecords(4);

    await()
        .untilAsserted(() -> {
          JsonNode list = json(admin.get(ROUTES));
          figures(route(list, "api-chat-completions"), 4, 1);
          figures(route(list, "gate-authenticate"), 4, 1);
          figures(route(list, "call-serve"), 3, 0);
          figures(route(list, "provider-attempts"), 3, 1);
          figures(route(list, "provider-openai"), 3, 1);
          figures(route(list, "call-end"), 3, 0);
          figures(route(list, "provider-anthropic"), 0, 0);
        });
    JsonNode serve = json(admin.get(ROUTES + "/call-serve"));
    JsonNode steps = serve.at("/steps/0/steps");
    assertThat(serve.at("/steps/0/figures").isNull()).as("doTry has its steps'").isTrue();
    figures(steps.path(0), 3, 0);
    figures(steps.path(5), 3, 1);
    figures(steps.at("/6/steps/0"), 1, 0);
    figures(steps.at("/7/steps/0"), 3, 0);
    assertThat(steps.at("/5/steps/0/figures").isNull()).as("a branch has its steps'").isTrue();
    JsonNode whole = serve.path("figures");
    assertThat(whole.path("mean_ms").asDouble())
        .isPositive()
        .isLessThanOrEqualTo(whole.path("max_ms").asDouble());
    assertThat(whole.path("last_ms").asDouble())
        .isPositive()
        .isLessThanOrEqualTo(whole.path("max_ms").asDouble());
    assertThat(whole.path("per_second").asDouble()).isPositive();
    assertThat(whole.path("inflight").asInt(-1)).isZero();
    assertThat(serve.path("inflight").asInt(-1)).isZero();
    JsonNode attempts = json(admin.get(ROUTES + "/provider-attempts"));
    figures(attempts.at("/steps/0/steps/1"), 3, 1);
    assertThat(attempts.at("/steps/0/steps/1/figures/max_ms").asDouble())
        .isPositive()
        .isLessThanOrEqualTo(whole.path("max_ms").asDouble());

    assertThat(json(admin.get("/admin/api/actions")).at("/actions/0/action").asText())
        .isEqualTo("routes.measure");
  }

  @Test
  void nothingIsCountedAfterTheEndAndANewMeasurementBeginsAtZero() {
    json(admin.post(MEASURE, ""));
    gateway.chat(key, MODEL, false, "one");
    gateway.awaitRecords(1);
    JsonNode ended = json(admin.post(MEASURE, "{\"minutes\": 0}")).path("measurement");
    assertThat(ended.path("running").asBoolean()).isFalse();
    gateway.chat(key, MODEL, false, "two");
    gateway.awaitRecords(2);

    JsonNode list = json(admin.get(ROUTES));
    assertThat(list.at("/measurement/running").asBoolean()).isFalse();
    figures(route(list, "provider-openai"), 1, 0);

    json(admin.post(MEASURE, "{\"minutes\": 1}"));
    figures(route(json(admin.get(ROUTES)), "provider-openai"), 0, 0);
  }

  @Test
  void exchangesUnderWayAreShownWithoutAMeasurement() throws Exception {
    Thread waiting =
        Thread.ofVirtual()
            .start(() -> gateway.chat(key, MODEL, true, "[[script chunks=3 hold=1]]"));
    await()
        .untilAsserted(() ->
            assertThat(route(json(admin.get(ROUTES)), "call-serve").path("inflight").asInt())
                .isEqualTo(1));

    gateway.provider().release();
    waiting.join();
    await()
        .untilAsserted(() ->
            assertThat(route(json(admin.get(ROUTES)), "call-serve").path("inflight").asInt(-1))
                .isZero());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"minutes\": -1}",
        "{\"minutes\": 61}",
        "{\"minutes\": \"5\"}",
        "{\"hours\": 1}",
        "[5]"
      })
  void wrongMeasurementsAreRefused(String body) {
    assertThat(admin.post(MEASURE, body).statusCode()).isEqualTo(400);
    assertThat(json(admin.get(ROUTES)).path("measurement").isNull()).isTrue();
  }

  @Test
  void unknownRouteIsNotFound() {
    assertThat(admin.get(ROUTES + "/nowhere").statusCode()).isEqualTo(404);
  }

  @Test
  void usersAndStrangersAreRefused() {
    AdminBrowser ann = AdminBrowser.signedIn(gateway, ANN);
    for (String path : List.of(ROUTES, ROUTES + "/chat-turns")) {
      assertThat(ann.get(path).statusCode()).as(path).isEqualTo(403);
      assertThat(gateway.get(path, null).statusCode()).as(path).isEqualTo(401);
      assertThat(gateway.get(path, key).statusCode()).as(path).isEqualTo(401);
    }
    assertThat(ann.post(MEASURE, "{}").statusCode()).isEqualTo(403);
    HttpResponse<String> withoutToken =
        gateway.send(
            admin
                .request(MEASURE)
                .header("Sec-Fetch-Site", "same-origin")
                .POST(BodyPublishers.ofString("{}"))
                .build());
    assertThat(Gateway.json(withoutToken).at("/error/code").asText()).isEqualTo("wrong_csrf_token");
  }

  private static void figures(JsonNode part, long done, long failed) {
    assertThat(part.at("/figures/done").asLong(-1)).as(part.path("id").asText()).isEqualTo(done);
    assertThat(part.at("/figures/failed").asLong(-1))
        .as(part.path("id").asText())
        .isEqualTo(failed);
  }

  private static JsonNode route(JsonNode list, String id) {
    return list.path("routes")
        .valueStream()
        .filter(route -> route.path("id").asText().equals(id))
        .findFirst()
        .orElseThrow();
  }

  private static List<JsonNode> flat(JsonNode steps) {
    List<JsonNode> all = new ArrayList<>();
    steps.forEach(step -> {
      all.add(step);
      all.addAll(flat(step.path("steps")));
    });
    return all;
  }

  private static List<String> kinds(JsonNode steps) {
    return steps.valueStream().map(step -> step.path("kind").asText()).toList();
  }

  private static List<String> texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asText).toList();
  }

  private static JsonNode json(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }
}
