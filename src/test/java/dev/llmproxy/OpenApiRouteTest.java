package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.EventSchemas;
import dev.llmproxy.chat.ToolNotices;
import dev.llmproxy.emulator.SignInStandIn;
import dev.llmproxy.keys.ApiKey;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The OpenAPI description at /openapi.json is valid, and the answers of the server match it. */
class OpenApiRouteTest {
  private static final JsonSchemaFactory SCHEMAS =
      JsonSchemaFactory.getInstance(VersionFlag.V202012);
  private static final String OPENAPI_SCHEMA =
      Path.of("src/test/resources/openapi-schema/openapi-3.1.schema.json").toUri().toString();
  private static final Set<String> METHODS =
      Set.of("get", "put", "post", "delete", "options", "head", "patch", "trace");

  private static final String EMAIL = "openapi@example.com";

  private static SignInStandIn google;
  private static Gateway gateway;
  private static String key;
  private static ToolChats chats;
  private static JsonNode description;

  @BeforeAll
  static void start(@TempDir Path data) {
    google = SignInStandIn.start();
    Map<String, String> settings = new HashMap<>(google.settings());
    settings.put("CORS_ORIGINS", "*");
    settings.put("MAX_BODY_MB", "1");
    settings.putAll(AdminBrowser.SETTINGS);
    gateway = Gateway.start(data, settings);
    key = gateway.createKey(EMAIL);
    chats = new ToolChats(gateway, key);
    description = Gateway.json(gateway.get("/openapi.json", null));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    google.close();
  }

  @Test
  void theDescriptionIsServedWithoutAKeyToAllOrigins() {
    HttpResponse<String> response =
        gateway.send(
            gateway
                .request("/openapi.json", null)
                .header("Origin", "https://app.example.com")
                .GET()
                .build());

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(response.headers().firstValue("access-control-allow-origin")).hasValue("*");
    assertThat(response.headers().firstValue("x-request-id")).isPresent();
  }

  @Test
  void theDescriptionIsValidOpenApi() {
    JsonSchema openApi = SCHEMAS.getSchema(SchemaLocation.of(OPENAPI_SCHEMA));
    JsonSchema jsonSchema = SCHEMAS.getSchema(SchemaLocation.of(SchemaId.V202012));

    assertThat(problems(openApi, description)).isEmpty();
    assertThat(description.at("/components/schemas").properties())
        .allSatisfy(schema -> assertThat(problems(jsonSchema, schema.getValue())).isEmpty());
  }

  @Test
  void allReferencesResolve() {
    List<String> references = description.findValuesAsText("$ref");

    assertThat(references)
        .isNotEmpty()
        .allSatisfy(reference ->
            assertThat(description.at(reference.substring(1)).isMissingNode())
                .as(reference)
                .isFalse());
  }

  @Test
  void exactlyTheApiRoutesAreDescribed() throws IOException {
    Set<String> described = new TreeSet<>();
    description
        .path("paths")
        .properties()
        .forEach(path ->
            path.getValue()
                .fieldNames()
                .forEachRemaining(method -> {
                  if (METHODS.contains(method)) {
                    described.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey());
                  }
                }));

    assertThat(described).isEqualTo(routes());
  }

  @Test
  void examplesMatchTheirSchemas() {
    Map.of(
            "/v1/chat/completions",
            "ChatRequest",
            "/v1/messages",
            "MessagesRequest",
            "/chat",
            "ChatForm",
            "/v1/responses",
            "ResponseRequest",
            "/v1/responses/input_tokens",
            "ResponseRequest")
        .forEach((path, schema) ->
            assertThat(
                    operation(path, "post").at("/requestBody/content/application~1json/examples"))
                .isNotEmpty()
                .allSatisfy(example ->
                    assertThat(problems(schema(schema), example.path("value"))).isEmpty()));
    assertThat(
            EventSchemas.events(
                operation("/chat", "post")
                    .at("/responses/200/content/text~1event-stream/example")
                    .asText()))
        .hasSize(2);
    assertThat(description.at("/components/responses"))
        .allSatisfy(response -> {
          JsonNode example = response.at("/content/application~1json/example");
          if (!example.isMissingNode()) {
            String schema = response.at("/content/application~1json/schema/$ref").asText();
            assertThat(problems(schema(schema.substring(schema.lastIndexOf('/') + 1)), example))
                .isEmpty();
          }
        });
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/models,                     /v1/models,         200",
    "/v1/models/openai%2Fgpt-4o,     /v1/models/{model}, 200",
    "/v1/models/openai/gpt-4o,       /v1/models/{model}, 200",
    "/v1/models/nobody%2Fnothing,    /v1/models/{model}, 404"
  })
  void modelsMatchTheDescription(String path, String template, int status) {
    HttpResponse<String> response = gateway.get(path, key);

    assertThat(response.statusCode()).isEqualTo(status);
    assertDescribed(template, "get", response);
    assertDescribed(template, "get", gateway.get(path, null));
    assertDescribed(template, "get", gateway.get(path, "sk-unknown"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hi",
        "[[script tools=2]]",
        "[[script n=2 reasoning=1]]",
        "[[script bare=1]]",
        "[[script groq=1]]",
        "[[script fields=1]]",
        "[[script finish=eos]]"
      })
  void answersMatchTheDescription(String script) {
    HttpResponse<String> whole = gateway.chat(key, "openai/scripted", false, script);
    HttpResponse<String> stream = gateway.chat(key, "openai/scripted", true, script);

    assertThat(List.of(whole.statusCode(), stream.statusCode())).containsOnly(200);
    assertDescribed("/v1/chat/completions", "post", whole);
    assertDescribed("/v1/chat/completions", "post", stream);
    assertThat(data(stream))
        .isNotEmpty()
        .allSatisfy(chunk -> assertThat(problems(schema("ChatCompletionChunk"), chunk)).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"hi", "[[script n=2 fields=1]]", "[[script status=500]]", "[[script cut=1]]"})
  void completionsOfTextsMatchTheDescription(String script) {
    for (boolean stream : new boolean[] {false, true}) {
      HttpResponse<String> answer =
          gateway.post(
              "/v1/completions",
              key,
              "{\"model\":\"openai/scripted\",\"prompt\":\"%s\",\"stream\":%s}"
                  .formatted(script, stream));

      assertDescribed("/v1/completions", "post", answer);
      if (answer.statusCode() == 200 && stream && !script.contains("cut")) {
        assertThat(data(answer))
            .isNotEmpty()
            .allSatisfy(chunk -> assertThat(problems(schema("TextCompletion"), chunk)).isEmpty());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hi",
        "[[script tools=2]]",
        "[[script chunks=3 cut=1]]",
        "[[script finish=length]]",
        "[[script status=500]]",
        "[[script status=429]]"
      })
  void responsesMatchTheDescription(String script) {
    Responses responses = new Responses(gateway, key);
    ObjectNode request = Responses.request(script);
    HttpResponse<String> whole = responses.post(request);
    HttpResponse<String> stream = responses.post(request.put("stream", true));

    assertDescribed("/v1/responses", "post", whole);
    assertDescribed("/v1/responses", "post", stream);
    if (stream.statusCode() == 200) {
      assertThat(Responses.events(stream.body()))
          .allSatisfy(event -> assertThat(problems(schema("ResponseEvent"), event)).isEmpty());
    }
  }

  @Test
  void rememberedResponsesMatchTheDescription() {
    Responses responses = new Responses(gateway, key);
    String id = responses.whole(Responses.request("hi")).path("id").asText();

    for (String each : List.of(id, "resp_x")) {
      assertDescribed("/v1/responses/{id}", "get", responses.send("GET", "/" + each));
      assertDescribed(
          "/v1/responses/{id}/input_items",
          "get",
          responses.send("GET", "/" + each + "/input_items"));
      assertDescribed(
          "/v1/responses/{id}/cancel", "post", responses.send("POST", "/" + each + "/cancel"));
      assertDescribed("/v1/responses/{id}", "delete", responses.send("DELETE", "/" + each));
    }
    HttpResponse<String> tokens =
        gateway.post("/v1/responses/input_tokens", key, Json.text(Responses.request("hi")));
    assertThat(tokens.statusCode()).isEqualTo(200);
    assertDescribed("/v1/responses/input_tokens", "post", tokens);
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/audio/speech, 200",
    "/v1/images/generations, 200",
    "/v1/moderations, 200",
    "/v1/rerank, 404"
  })
  void answersThatPassThroughMatchTheDescription(String path, int status) {
    HttpResponse<String> answer =
        gateway.post(path, key, "{\"model\":\"openai/scripted\",\"input\":\"hi\"}");

    assertThat(answer.statusCode()).isEqualTo(status);
    if (!path.endsWith("speech")) {
      assertDescribed(path, "post", answer);
    }
    assertDescribed(path, "post", gateway.post(path, key, "{}"));
  }

  @ParameterizedTest
  @CsvSource({"hybrid, ToolNotification", "bare, BareToolNotification"})
  void toolNotificationsMatchTheDescription(String notices, String schema) {
    ObjectNode request =
        ToolChats.request(
            ToolChats.script("calculator {\"expression\": \"1+1\"}"), ToolChats.CALCULATOR);

    HttpResponse<String> stream = chats.post(request.put("stream", true), notices);
    HttpResponse<String> whole = chats.post(request.put("stream", false), notices);

    assertThat(data(stream).stream().filter(data -> data.has("tool")))
        .hasSize(2)
        .allSatisfy(said -> assertThat(problems(schema(schema), said)).isEmpty());
    assertThat(data(stream).stream().filter(data -> data.has("choices")))
        .hasSizeGreaterThan(1)
        .allSatisfy(chunk -> assertThat(problems(schema("ChatCompletionChunk"), chunk)).isEmpty());
    assertThat(Gateway.json(whole).path("tool_notifications")).hasSize(2);
    assertDescribed("/v1/chat/completions", "post", whole);
  }

  @Test
  void allFormsOfToolNotificationsAreDescribed() {
    JsonNode header = operation("/v1/chat/completions", "post").at("/parameters/0");

    assertThat(header.path("name").asText()).isEqualTo(ToolNotices.HEADER);
    assertThat(header.at("/schema/enum").valueStream().map(JsonNode::asText))
        .containsExactlyElementsOf(
            Arrays.stream(ToolNotices.values())
                .map(notices -> notices.name().toLowerCase(Locale.ROOT))
                .toList());
    HttpResponse<String> refused = chats.post(ToolChats.request("hi"), "loud");
    assertThat(refused.statusCode()).isEqualTo(400);
    assertDescribed("/v1/chat/completions", "post", refused);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"hi", "[[script status=400]]", "[[script status=500]]", "[[script cut=1]]"})
  void chatEventsMatchTheDescription(String script) {
    String form =
        "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
            .formatted(script);

    assertDescribed("/chat", "post", gateway.post("/chat", google.token(EMAIL), form));
    assertDescribed("/chat", "post", gateway.post("/chat", google.token(EMAIL), "{}"));
    assertDescribed("/chat", "post", gateway.post("/chat", google.token("x@example.com"), form));
    assertDescribed("/chat", "post", gateway.post("/chat", key, form));
  }

  @ParameterizedTest
  @CsvSource({
    "[[script status=400 code=context_length_exceeded]], 400",
    "[[script status=401]],                              502",
    "[[script status=404]],                              404",
    "[[script status=413]],                              413",
    "[[script status=422]],                              422",
    "[[script status=429 retry_after=7]],                429",
    "[[script status=500 html=1]],                       502",
    "[[script status=504]],                              504",
    "[[script hangup=1]],                                502"
  })
  void providerFailuresMatchTheDescription(String script, int status) {
    for (boolean stream : new boolean[] {false, true}) {
      HttpResponse<String> response = gateway.chat(key, "openai/scripted", stream, script);

      assertThat(response.statusCode()).isEqualTo(status);
      assertDescribed("/v1/chat/completions", "post", response);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "hi,                       200",
    "[[script tools=2]],       200",
    "[[script reasoning=1]],   200",
    "[[script finish=length]], 200",
    "[[script status=400]],    400",
    "[[script status=404]],    404",
    "[[script status=413]],    413",
    "[[script status=422]],    422",
    "[[script status=429]],    429",
    "[[script status=500]],    502",
    "[[script status=504]],    504"
  })
  void messagesMatchTheDescription(String message, int status) {
    MessageChats messages = new MessageChats(gateway, key);
    for (boolean stream : new boolean[] {false, true}) {
      HttpResponse<String> response =
          messages.post(MessageChats.request(message).put("stream", stream));

      assertThat(response.statusCode()).isEqualTo(status);
      assertDescribed(MessageChats.PATH, "post", response);
    }
  }

  @Test
  void refusalsOfMessagesMatchTheDescription() {
    MessageChats messages = new MessageChats(gateway, key);
    String counted = MessageChats.PATH + "/count_tokens";
    for (String path : List.of(MessageChats.PATH, counted)) {
      assertDescribed(path, "post", messages.post(path, Json.object()));
      assertDescribed(
          path, "post", messages.post(path, MessageChats.request("hi").put("model", "a/b")));
      assertDescribed(path, "post", gateway.post(path, "sk-unknown", "{}"));
    }
    assertDescribed(counted, "post", messages.post(counted, MessageChats.request("hi")));
  }

  @Test
  void failuresMidStreamMatchTheDescription() {
    HttpResponse<String> response =
        gateway.chat(key, "openai/scripted", true, "[[script chunks=4 cut=2]]");

    assertThat(response.body()).contains("event: error\n").doesNotContain("[DONE]");
    assertThat(problems(schema("Error"), data(response).getLast())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{\"model\":\"openai/x\"}",
        "{\"model\":\"nobody/nothing\",\"messages\":[{\"role\":\"user\"}]}",
        "{\"model\":\"openai/x\",\"messages\":[{\"role\":\"robot\"}]}"
      })
  void refusalsMatchTheDescription(String body) {
    assertDescribed("/v1/chat/completions", "post", gateway.post(key, body));
    assertDescribed("/v1/chat/completions", "post", gateway.post(null, body));
  }

  @Test
  void refusalsOfLargeBodiesMatchTheDescription() {
    HttpResponse<String> response = gateway.post(key, " ".repeat(2 << 20));

    assertThat(response.statusCode()).isEqualTo(413);
    assertDescribed("/v1/chat/completions", "post", response);
  }

  @Test
  void refusalsOfLargeHeadersMatchTheDescription() {
    HttpRequest request =
        gateway.request("/v1/models", key).header("X-Large", "x".repeat(20_000)).GET().build();
    HttpResponse<String> response = gateway.send(request);

    assertThat(response.statusCode()).isEqualTo(431);
    assertDescribed("/v1/models", "get", response);
  }

  @Test
  void answersOfTheManagementApiMatchTheDescription() {
    gateway.chat(key, "openai/scripted", false, "hi");
    String id = gateway.awaitRecord(record -> record.email().equals(EMAIL)).requestId();
    AdminBrowser admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    AdminBrowser user = AdminBrowser.signedIn(gateway, EMAIL);
    Map<String, String> paths = managementReads();
    paths.put("/admin/api/requests/{id}", "/admin/api/requests/" + id);

    assertThat(paths).hasSizeGreaterThan(7);
    paths.forEach((template, path) -> {
      HttpResponse<String> answer = admin.get(path);
      assertThat(answer.statusCode()).as(path).isEqualTo(200);
      assertDescribed(template, "get", answer);
      assertDescribed(template, "get", user.get(path));
      assertDescribed(template, "get", gateway.get(path, null));
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"scripted", "scripted-down", "text-embedding-3-small"})
  void testsOfProvidersMatchTheDescription(String model) {
    String template = "/admin/api/providers/{name}/test";
    AdminBrowser admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    AdminBrowser user = AdminBrowser.signedIn(gateway, EMAIL);
    String form = "{\"model\":\"%s\"}".formatted(model);

    HttpResponse<String> answer = admin.post("/admin/api/providers/openai/test", form);

    assertThat(answer.statusCode()).isEqualTo(200);
    assertDescribed(template, "post", answer);
    assertDescribed(template, "post", admin.post("/admin/api/providers/nobody/test", form));
    assertDescribed(template, "post", user.post("/admin/api/providers/openai/test", form));
  }

  @ParameterizedTest
  @ValueSource(strings = {"hi", "[[script status=503]]", "[[script status=404]]"})
  void chatsInThePlaygroundMatchTheDescription(String message) {
    String path = "/admin/api/playground";
    AdminBrowser user = AdminBrowser.signedIn(gateway, EMAIL);
    String form =
        "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
            .formatted(message);

    assertDescribed(path, "post", user.post(path + "?key_id=" + ApiKey.hash(key), form));
    assertDescribed(path, "post", user.post(path + "?key_id=none", form));
    assertDescribed(path, "post", user.post(path, form));
  }

  /** The paths of the management API that answer GET with JSON, without those with an id. */
  private static Map<String, String> managementReads() {
    Map<String, String> paths = new HashMap<>();
    for (var path : description.path("paths").properties()) {
      JsonNode content = path.getValue().at("/get/responses/200/content");
      if (path.getKey().startsWith("/admin/api/")
          && content.has("application/json")
          && !path.getKey().contains("{")) {
        paths.put(path.getKey(), path.getKey());
      }
    }
    return paths;
  }

  /** Checks status, required headers, content type and, for JSON, the body. */
  private static void assertDescribed(String path, String method, HttpResponse<String> response) {
    JsonNode described =
        resolved(operation(path, method).path("responses").path("" + response.statusCode()));
    assertThat(described.isMissingNode()).as("status %d", response.statusCode()).isFalse();
    described
        .path("headers")
        .properties()
        .forEach(entry -> {
          JsonNode header = resolved(entry.getValue());
          var value = response.headers().firstValue(entry.getKey());
          assertThat(value.isPresent() || !header.path("required").asBoolean())
              .as("%s of %s", entry.getKey(), response)
              .isTrue();
          value.ifPresent(text -> {
            boolean number = header.at("/schema/type").asText().equals("integer");
            JsonNode json =
                Json.object().put("text", text).put("number", number ? Long.parseLong(text) : 0);
            assertThat(
                    problems(
                        SCHEMAS.getSchema(header.path("schema")),
                        json.get(number ? "number" : "text")))
                .isEmpty();
          });
        });
    String contentType = response.headers().firstValue("content-type").orElseThrow();
    JsonNode content = described.path("content").path(contentType.split(";", -1)[0]);
    assertThat(content.isMissingNode()).as(contentType).isFalse();
    if (contentType.equals("application/json")) {
      ObjectNode schema = content.path("schema").deepCopy();
      schema.set("components", description.path("components"));
      assertThat(problems(SCHEMAS.getSchema(schema), Gateway.json(response))).isEmpty();
    }
  }

  private static JsonNode operation(String path, String method) {
    return description.path("paths").path(path).path(method);
  }

  private static JsonNode resolved(JsonNode node) {
    return node.has("$ref") ? description.at(node.get("$ref").textValue().substring(1)) : node;
  }

  private static JsonSchema schema(String name) {
    ObjectNode schema = Json.object().put("$ref", "#/components/schemas/" + name);
    schema.set("components", description.path("components"));
    return SCHEMAS.getSchema(schema);
  }

  private static List<String> problems(JsonSchema schema, JsonNode value) {
    return schema.validate(Json.text(value), InputFormat.JSON).stream()
        .map(ValidationMessage::getMessage)
        .toList();
  }

  private static List<JsonNode> data(HttpResponse<String> stream) {
    return stream
        .body()
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .map(line -> {
          try {
            return Json.parse(line.substring("data: ".length()));
          } catch (IOException e) {
            throw new IllegalStateException(line, e);
          }
        })
        .toList();
  }

  /** Method and path of each route file whose name begins with api- or admin-, if it has any. */
  private static Set<String> routes() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("routes"))) {
      return files
          .filter(file -> file.getFileName().toString().matches("(api|admin)-.*"))
          .map(file -> {
            try {
              return new YAMLMapper().readTree(file.toFile()).at("/0/route/from");
            } catch (IOException e) {
              throw new IllegalStateException(file.toString(), e);
            }
          })
          .filter(from -> from.path("uri").asText().startsWith("platform-http:"))
          .map(from ->
              // HEAD is described once for all paths.
              from.at("/parameters/httpMethodRestrict").asText().replace(",HEAD", "")
                  + " "
                  + from.path("uri").asText().replace("platform-http:", ""))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
