package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.app.RunningServer;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.chat.ToolNotices;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tests a running server over HTTP, as a client. */
@Command(
    name = "test-rest-api",
    mixinStandardHelpOptions = true,
    description = {
      "Tests a running server.",
      "Tests models, streamed and whole answers in OpenAI's and Anthropic's formats, the server's tools, embeddings and errors."
          + " Exit status 1 when a test"
          + " fails."
    })
final class TestRestApiCommand implements Callable<Integer> {
  private static final int MODELS_SHOWN = 5;
  private static final String TOOL = "web_search";

  /** Limit for answers of which only the tools are checked. */
  private static final int FEW_TOKENS = 16;

  private static final int MOST_TOKENS = 100;

  private final Settings settings;
  private HttpClient client;
  private final List<String> results = new ArrayList<>();
  private boolean failed;
  private String embeddingModel;
  private PrintWriter out;

  @Parameters(
      index = "0",
      paramLabel = "KEY",
      arity = "0..1",
      description =
          "An API key; - reads it from standard input, so that it does not appear in the process list. Without KEY, the"
              + " command uses LLMPROXY_KEY, else standard input.")
  private String key;

  @Option(
      names = "--base-url",
      description = "The API's base URL (default: that of the server of this data folder).")
  private String baseUrl;

  @Option(names = "--model", description = "The chat model (default: the first one of the server).")
  private String model;

  @Option(
      names = "--prompt",
      defaultValue = "What is the capital of France?",
      description = "The question (default: ${DEFAULT-VALUE}).")
  private String prompt;

  @Spec private CommandSpec spec;

  TestRestApiCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws InterruptedException {
    out = spec.commandLine().getOut();
    // Created here because --help creates every command, and a client loads all of TLS.
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5));
    if (baseUrl == null) {
      OwnCertificate.context(HttpSettings.of(settings).tls()).ifPresent(builder::sslContext);
    }
    client = builder.build();
    if (baseUrl == null) {
      Optional<String> server = findServer();
      if (server.isEmpty()) {
        return 1;
      }
      baseUrl = server.get() + "/v1";
    }
    key = new KeySource(settings, spec, System.in).read(key, KeySource.First.ENVIRONMENT);
    baseUrl = baseUrl.replaceFirst("/+$", "");
    out.println("Testing " + baseUrl);
    test("models", this::models);
    if (model != null) {
      test("model", this::retrieve);
      test("stream", this::stream);
      test("whole answer", this::wholeAnswer);
      test("Responses format", this::responses);
      test("Messages format", this::messages);
      test("completion of a text", this::completion);
      if (test("tools", this::tools)) {
        test("tools, without events", this::toolsWithoutEvents);
        test("tools, whole answer", this::toolsOfWholeAnswer);
      }
    }
    if (embeddingModel != null) {
      test("embeddings", this::embeddings);
    }
    test("wrong key is refused", this::wrongKey);
    test("unknown model is refused", this::unknownModel);
    out.println();
    results.forEach(out::println);
    return failed ? 1 : 0;
  }

  /** The server of the data folder. Another program on the port is not tested. */
  private Optional<String> findServer() {
    ServerProbe probe = new ServerProbe(settings);
    Optional<String> server = probe.server().map(RunningServer::url);
    if (server.isEmpty()) {
      int port = HttpSettings.of(settings).port();
      String url = RunningServer.url(probe.scheme(), settings.text("HOST"), port);
      String there =
          switch (port == 0 ? ServerProbe.Listener.NOBODY : probe.at(url)) {
            case NOBODY, OURS -> "";
            case ANOTHER_LLMPROXY -> " Another llmproxy listens at %s.".formatted(url);
            case ANOTHER_PROGRAM, SILENT -> " Another program listens at %s.".formatted(url);
          };
      spec.commandLine()
          .getErr()
          .println(
              "llmproxy: no server of the data folder %s answers.%s Start it with ./llmproxy start, or name a server with --base-url."
                  .formatted(probe.data(), there));
    }
    return server;
  }

  private interface Test {
    /** Returns a summary for the results; throws when the test fails. */
    String run() throws IOException, InterruptedException;
  }

  /** The test does not apply to this server, which is no failure. The message says why. */
  private static final class SkippedException extends IOException {
    SkippedException(String why) {
      super(why);
    }
  }

  /** Runs a test; returns whether it passed. */
  private boolean test(String name, Test test) throws InterruptedException {
    out.println();
    out.println("== " + name);
    try {
      results.add("PASS  " + name + ": " + test.run());
      return true;
    } catch (SkippedException e) {
      results.add("SKIPPED  " + name + ": " + e.getMessage());
      out.println("Skipped: " + e.getMessage());
    } catch (ConnectException e) {
      fail(name, "nothing answers at " + baseUrl + "; start the server with ./llmproxy start");
    } catch (IOException e) {
      fail(name, e.getMessage());
    }
    return false;
  }

  private void fail(String name, String why) {
    failed = true;
    results.add("FAIL  " + name + ": " + why);
    out.println(why);
  }

  private String models() throws IOException, InterruptedException {
    JsonNode list = json(send(get("/models", key)), 200).path("data");
    for (int i = 0; i < Math.min(MODELS_SHOWN, list.size()); i++) {
      out.println(list.get(i).path("id").asText() + "  " + list.get(i).path("label").asText());
    }
    if (list.size() > MODELS_SHOWN) {
      out.println("… and " + (list.size() - MODELS_SHOWN) + " more");
    }
    check(!list.isEmpty(), "the list is empty; configure a provider");
    embeddingModel = firstWithAbility(list, "embeddings");
    if (model == null) {
      model = firstWithAbility(list, "chat");
      check(model != null, "no model in the list can chat; name one with --model");
    }
    return list.size() + " models";
  }

  private static String firstWithAbility(JsonNode models, String ability) {
    return models
        .valueStream()
        .filter(each ->
            each.path("abilities").valueStream().anyMatch(one -> one.asText().equals(ability)))
        .map(each -> each.path("id").asText())
        .findFirst()
        .orElse(null);
  }

  private String retrieve() throws IOException, InterruptedException {
    JsonNode found =
        json(send(get("/models/" + URLEncoder.encode(model, StandardCharsets.UTF_8), key)), 200);
    check(found.path("id").asText().equals(model), "asked for " + model + ", got " + found);
    return model;
  }

  private String stream() throws IOException, InterruptedException {
    ObjectNode request = question().put("stream", true);
    request.putObject("stream_options").put("include_usage", true);
    HttpResponse<InputStream> response = send(post(request, key));
    if (response.statusCode() != 200) {
      throw new IOException(describe(response));
    }
    StreamedAnswer answer = StreamedAnswer.read(response.body(), out);
    check(answer.problems());
    out.println("finish_reason " + answer.finishReason() + ", usage " + answer.usage());
    return answer.chunks()
        + " chunks, "
        + answer.customEvents()
        + " custom events, "
        + answer.usage().path("total_tokens")
        + " tokens";
  }

  private String wholeAnswer() throws IOException, InterruptedException {
    JsonNode completion = json(send(post(question(), key)), 200);
    out.println(Json.pretty(completion));
    check(completion.path("choices").path(0).path("message").has("content"), "there is no message");
    check(completion.path("usage").path("total_tokens").asLong() > 0, "there is no usage");
    return completion.path("usage").path("total_tokens") + " tokens";
  }

  private String responses() throws IOException, InterruptedException {
    ObjectNode request = Json.object().put("model", model).put("input", prompt);
    request.put("max_output_tokens", MOST_TOKENS).put("store", false).put("stream", true);
    return FormatStream.responses(streamOf("/responses", request), out);
  }

  private String messages() throws IOException, InterruptedException {
    ObjectNode request = Json.object().put("model", model).put("max_tokens", MOST_TOKENS);
    request.putArray("messages").addObject().put("role", "user").put("content", prompt);
    return FormatStream.messages(streamOf("/messages", request.put("stream", true)), out);
  }

  private InputStream streamOf(String path, ObjectNode request)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response = send(post(path, request, key));
    if (response.statusCode() != 200) {
      throw new IOException(describe(response));
    }
    return response.body();
  }

  private String completion() throws IOException, InterruptedException {
    ObjectNode request = Json.object().put("model", model).put("prompt", prompt);
    JsonNode answer = json(send(post("/completions", request, key)), 200);
    out.println(answer.at("/choices/0/text").asText());
    check(answer.at("/choices/0/text").isTextual(), "there is no text");
    check(answer.path("usage").path("total_tokens").asLong() > 0, "there is no usage");
    return answer.path("usage").path("total_tokens") + " tokens";
  }

  private String tools() throws IOException, InterruptedException {
    HttpResponse<InputStream> response = send(post(toolQuestion().put("stream", true), key));
    if (response.statusCode() == 400) {
      JsonNode error = json(response, 400).path("error");
      if ((error.path("param").asText("") + error.path("message").asText("")).contains("tool")) {
        throw new SkippedException(
            "%s is not available with %s: %s"
                .formatted(TOOL, model, error.path("message").asText()));
      }
      throw new IOException("400 " + error);
    }
    if (response.statusCode() != 200) {
      throw new IOException(describe(response));
    }
    StreamedAnswer answer = StreamedAnswer.read(response.body(), out);
    check(answer.problems());
    if (answer.tools().none()) {
      throw new SkippedException(
          answer.toolCalls()
              ? "the server has no %s: it passed the call on to the client".formatted(TOOL)
              : "no tool was run: the server has no %s, or %s did not call it"
                  .formatted(TOOL, model));
    }
    check(answer.tools().problems());
    check(!answer.toolCalls(), "the call of the server's tool was sent to the client");
    return answer.tools().summary();
  }

  private String toolsWithoutEvents() throws IOException, InterruptedException {
    ObjectNode request = toolQuestion().put("stream", true).put("max_tokens", FEW_TOKENS);
    HttpRequest quiet =
        HttpRequest.newBuilder(post(request, key), (name, value) -> true)
            .header(ToolNotices.HEADER, "off")
            .build();
    HttpResponse<InputStream> response = send(quiet);
    if (response.statusCode() != 200) {
      throw new IOException(describe(response));
    }
    StreamedAnswer answer = StreamedAnswer.read(response.body(), out);
    check(answer.problems());
    check(answer.customEvents() == 0, "there are events despite " + ToolNotices.HEADER + ": off");
    check(!answer.toolCalls(), "the call of the server's tool was sent to the client");
    return answer.chunks() + " chunks, no event";
  }

  private String toolsOfWholeAnswer() throws IOException, InterruptedException {
    JsonNode completion = json(send(post(toolQuestion().put("max_tokens", FEW_TOKENS), key)), 200);
    ToolSteps steps = new ToolSteps();
    for (JsonNode notification : completion.path("tool_notifications")) {
      out.println(ToolSteps.inWords(notification));
      steps.add(notification);
    }
    out.println(completion.at("/choices/0/message/content").asText());
    check(!steps.none(), "there are no tool_notifications");
    check(steps.problems());
    check(
        !completion.at("/choices/0/message").has("tool_calls"),
        "the call of the server's tool was sent to the client");
    return steps.summary();
  }

  /**
   * The question, with a tool_choice that forces a search, also for models that cannot call tools.
   */
  private ObjectNode toolQuestion() {
    ObjectNode request = question();
    request.putArray("tools").addObject().put("type", TOOL);
    request.putObject("tool_choice").put("type", TOOL);
    return request;
  }

  private String embeddings() throws IOException, InterruptedException {
    ObjectNode request = Json.object().put("model", embeddingModel).put("input", prompt);
    JsonNode list = json(send(post("/embeddings", request, key)), 200);
    int dimensions = list.path("data").path(0).path("embedding").size();
    out.println(embeddingModel + ": " + dimensions + " dimensions, usage " + list.path("usage"));
    check(dimensions > 0, "there is no embedding");
    check(list.path("usage").path("total_tokens").asLong() > 0, "there is no usage");
    return dimensions + " dimensions, " + list.path("usage").path("total_tokens") + " tokens";
  }

  private String wrongKey() throws IOException, InterruptedException {
    return refusal(send(get("/models", "sk-wrong-key")), 401, "invalid_api_key");
  }

  private String unknownModel() throws IOException, InterruptedException {
    return refusal(
        send(post(question().put("model", "nobody/nothing"), key)), 404, "model_not_found");
  }

  private String refusal(HttpResponse<InputStream> response, int status, String code)
      throws IOException {
    JsonNode error = json(response, status).path("error");
    out.println(error.path("message").asText());
    check(error.path("code").asText().equals(code), "expected the code " + code + ", got " + error);
    return status + " " + code;
  }

  private ObjectNode question() {
    ObjectNode request =
        Json.object().put("model", model).put("temperature", 0).put("max_tokens", MOST_TOKENS);
    request.putArray("messages").addObject().put("role", "user").put("content", prompt);
    return request;
  }

  private HttpRequest get(String path, String bearer) {
    return request(path, bearer).GET().build();
  }

  private HttpRequest post(ObjectNode body, String bearer) {
    return post("/chat/completions", body, bearer);
  }

  private HttpRequest post(String path, ObjectNode body, String bearer) {
    return request(path, bearer)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofByteArray(Json.bytes(body)))
        .build();
  }

  private HttpRequest.Builder request(String path, String bearer) {
    return HttpRequest.newBuilder(URI.create(baseUrl + path))
        .header("Authorization", "Bearer " + bearer)
        .timeout(Duration.ofMinutes(5));
  }

  private HttpResponse<InputStream> send(HttpRequest request)
      throws IOException, InterruptedException {
    return client.send(request, HttpResponse.BodyHandlers.ofInputStream());
  }

  private static JsonNode json(HttpResponse<InputStream> response, int status) throws IOException {
    if (response.statusCode() != status) {
      throw new IOException("expected status " + status + ", got " + describe(response));
    }
    try (InputStream body = response.body()) {
      return Json.parse(body.readAllBytes());
    }
  }

  private static String describe(HttpResponse<InputStream> response) throws IOException {
    try (InputStream body = response.body()) {
      return response.statusCode()
          + " "
          + new String(body.readNBytes(2000), StandardCharsets.UTF_8);
    }
  }

  private static void check(List<String> problems) throws IOException {
    check(problems.isEmpty(), String.join("; ", problems));
  }

  private static void check(boolean holds, String otherwise) throws IOException {
    if (!holds) {
      throw new IOException(otherwise);
    }
  }
}
