package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.Settings;
import dev.llmproxy.stream.SseEvent;
import dev.llmproxy.stream.SseReader;
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
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks a running server as a client would see it. */
@Command(
    name = "test-rest-api",
    mixinStandardHelpOptions = true,
    description =
        "Checks a running server: models, a streamed and a whole answer, embeddings, errors. Exit status 1 when a test fails.")
final class TestRestApiCommand implements Callable<Integer> {
  private static final int MODELS_SHOWN = 5;
  private static final int MOST_EVENT_BYTES = 16 << 20;

  private final Settings settings;
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();
  private final List<String> results = new ArrayList<>();
  private boolean failed;
  private String embeddingModel;
  private PrintWriter out;

  @Parameters(index = "0", paramLabel = "KEY", description = "An API key.")
  private String key;

  @Option(
      names = "--base-url",
      description = "Where the API is (default: http://localhost:PORT/v1).")
  private String baseUrl;

  @Option(names = "--model", description = "The model to ask (default: the first that can chat).")
  private String model;

  @Option(
      names = "--prompt",
      defaultValue = "What is the capital of France?",
      description = "What to ask (default: ${DEFAULT-VALUE}).")
  private String prompt;

  @Spec private CommandSpec spec;

  TestRestApiCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws InterruptedException {
    out = spec.commandLine().getOut();
    if (baseUrl == null) {
      baseUrl = "http://localhost:" + settings.text("PORT") + "/v1";
    }
    baseUrl = baseUrl.replaceFirst("/+$", "");
    out.println("Testing " + baseUrl);
    test("models", this::models);
    if (model != null) {
      test("model", this::retrieve);
      test("stream", this::stream);
      test("whole answer", this::whole);
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

  private interface Test {
    /** Returns what to say of it; throws when it fails. */
    String run() throws IOException, InterruptedException;
  }

  private void test(String name, Test test) throws InterruptedException {
    out.println();
    out.println("== " + name);
    try {
      results.add("PASS  " + name + ": " + test.run());
    } catch (ConnectException e) {
      fail(name, "nothing answers at " + baseUrl + "; start the server with ./llmproxy start");
    } catch (IOException e) {
      fail(name, e.getMessage());
    }
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
    check(!list.isEmpty(), "the list is empty; switch a provider on");
    embeddingModel = firstThatIsFor(list, "embeddings");
    if (model == null) {
      model = firstThatIsFor(list, "chat");
      check(model != null, "no model in the list can chat; name one with --model");
    }
    return list.size() + " models";
  }

  private static String firstThatIsFor(JsonNode models, String ability) {
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
    StreamSummary summary = new StreamSummary();
    try (InputStream body = response.body()) {
      SseReader reader = new SseReader(body, MOST_EVENT_BYTES);
      for (SseEvent event = reader.next(); event != null; event = reader.next()) {
        summary.take(event);
      }
    }
    out.println();
    check(summary.error == null, "the stream ended with an error: " + summary.error);
    check(summary.done, "the stream ended without [DONE]");
    check(summary.finishReason != null, "the stream had no finish_reason");
    out.println("finish_reason " + summary.finishReason + ", usage " + summary.usage);
    return summary.chunks
        + " chunks, "
        + summary.customEvents
        + " custom events, "
        + summary.usage.path("total_tokens")
        + " tokens";
  }

  private String whole() throws IOException, InterruptedException {
    JsonNode completion = json(send(post(question(), key)), 200);
    out.println(Json.pretty(completion));
    check(completion.path("choices").path(0).path("message").has("content"), "there is no message");
    check(completion.path("usage").path("total_tokens").asLong() > 0, "there is no usage");
    return completion.path("usage").path("total_tokens") + " tokens";
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
        Json.object().put("model", model).put("temperature", 0).put("max_tokens", 100);
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

  private static void check(boolean holds, String otherwise) throws IOException {
    if (!holds) {
      throw new IOException(otherwise);
    }
  }

  /** What a stream held; shows its text as it comes. */
  private final class StreamSummary {
    private int chunks;
    private int customEvents;
    private boolean done;
    private String finishReason;
    private JsonNode usage = Json.object();
    private JsonNode error;

    void take(SseEvent event) throws IOException {
      if (event.data().equals("[DONE]")) {
        done = true;
        return;
      }
      JsonNode chunk = Json.parse(event.data());
      if (chunk.has("error")) {
        error = chunk.get("error");
        return;
      }
      chunks++;
      if (event.name() != null) {
        customEvents++;
        out.println();
        out.println("[" + event.name() + "] " + event.data());
      }
      JsonNode choice = chunk.path("choices").path(0);
      out.print(choice.path("delta").path("content").asText(""));
      out.flush();
      if (choice.path("finish_reason").isTextual()) {
        finishReason = choice.get("finish_reason").textValue();
      }
      if (chunk.path("usage").isObject()) {
        usage = chunk.get("usage");
      }
    }
  }
}
