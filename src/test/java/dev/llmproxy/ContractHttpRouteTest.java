package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.app.Application;
import dev.llmproxy.app.RunningServer;
import dev.llmproxy.app.Server;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Errors, headers and connections: sections 5 to 7 of the wire contract. */
class ContractHttpRouteTest {
  private static final int MEGABYTE = 1 << 20;
  private static final String ORIGIN = "https://app.example.com";

  private static Gateway gateway;
  private static String key;

  /** The head of an answer on a plain socket; names in lower case, each with all its values. */
  private record Head(String status, Map<String, List<String>> headers) {}

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data, Map.of("RATE_LIMIT_ONE", "1", "EVENT_LOOPS", "3"));
    key = gateway.createKey("contract@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire({"5.headers", "5.compress"})
  @Test
  void streamsHaveHeadersAgainstBuffering() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(request(chat("[[script chunks=2]]", true), "Accept-Encoding: gzip, br"));
      Head head = head(client);

      assertThat(head.status()).isEqualTo("HTTP/1.1 200 OK");
      assertThat(head.headers())
          .containsEntry("content-type", List.of("text/event-stream; charset=utf-8"))
          .containsEntry("cache-control", List.of("no-cache, no-transform"))
          .containsEntry("x-accel-buffering", List.of("no"))
          .containsEntry("transfer-encoding", List.of("chunked"))
          .doesNotContainKeys("content-length", "content-encoding", "connection");
      assertThat(head.headers().get("x-request-id").getFirst()).matches("req_[0-9a-f]{24}");
      assertThat(head.headers().get("openai-processing-ms").getFirst()).matches("\\d+");
      assertThat(client.readUntil("[DONE]")).contains("word1");
    }
  }

  @Wire("1.3b")
  @Test
  void tooFrequentPingsFailStartup(@TempDir Path data) {
    Settings settings =
        Settings.load(
            Path.of(""), Map.of("LLMPROXY_DATA", data.toString(), "STREAM_KEEPALIVE_SECONDS", "4"));

    assertThatThrownBy(() -> Application.open(settings))
        .isInstanceOf(Settings.SettingException.class)
        .hasMessageContaining("STREAM_KEEPALIVE_SECONDS");
  }

  /** For every status that a client alone can cause, and for streams and preflights. */
  @Wire({"6.body", "6.id", "6.ms", "7.cors", "6.401", "6.404", "6.404url", "6.405", "6.413"})
  @Test
  void everyAnswerHasIdTimeAndExposedHeaders() {
    String small = chat("hi", false);
    List<HttpRequest> requests =
        List.of(
            gateway.request("/v1/models", key).GET().build(),
            gateway.request("/openapi.json", null).GET().build(),
            post("/v1/chat/completions", key, small),
            post("/v1/chat/completions", key, chat("hi", true)),
            post("/v1/embeddings", key, "{\"model\":\"openai/e\",\"input\":\"a\"}"),
            gateway
                .request("/v1/chat/completions", null)
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                .build(),
            post("/v1/chat/completions", key, "{"),
            gateway.request("/v1/models", null).GET().build(),
            gateway.request("/v1/models", "sk-wrong").GET().build(),
            gateway.request("/v1/models/nobody/nothing", key).GET().build(),
            post("/v1/embeddings", key, "{\"model\":\"nobody/nothing\",\"input\":\"a\"}"),
            post("/v1/chat/completions", key, small.replace("openai/", "nobody/")),
            post("/v1/chat/completions", key, chat("hi", true).replace("openai/", "nobody/")),
            gateway.request("/v1/nothing", key).GET().build(),
            gateway.request("/nothing", null).DELETE().build(),
            gateway.request("/v1/chat/completions", key).GET().build(),
            post("/v1/chat/completions", key, " ".repeat(21 * MEGABYTE)),
            post("/v1/chat/completions", key, chat("[[script status=429]]", true)),
            post("/v1/chat/completions", key, chat("[[script status=401]]", true)),
            post("/v1/chat/completions", key, chat("[[script status=500]]", false)));

    Set<String> ids = new TreeSet<>();
    List<String> outcomes = new ArrayList<>();
    for (HttpRequest request : requests) {
      HttpResponse<String> response =
          gateway.send(
              HttpRequest.newBuilder(request, (name, value) -> true)
                  .header("Origin", ORIGIN)
                  .build());
      String id = response.headers().firstValue("x-request-id").orElseThrow();
      assertThat(id).startsWith("req_");
      assertThat(ids.add(id)).isTrue();
      assertThat(response.headers().firstValue("openai-processing-ms").orElseThrow())
          .matches("\\d+");
      assertThat(response.headers().allValues("access-control-allow-origin")).containsExactly("*");
      assertThat(
              response
                  .headers()
                  .firstValue("access-control-expose-headers")
                  .orElseThrow()
                  .split(", "))
          .contains("x-request-id", "openai-processing-ms", "retry-after", "retry-after-ms")
          .contains("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
          .contains("x-ratelimit-reset-requests", "x-llmproxy-tried", "x-llmproxy-cache")
          .containsAll(
              response.headers().map().keySet().stream()
                  .filter(name -> name.startsWith("x-llmproxy-"))
                  // Only for commands on the server's machine.
                  .filter(name -> !name.equals(RunningServer.HEADER))
                  .toList());
      assertThat(response.headers().firstValue("access-control-allow-credentials")).isEmpty();
      outcomes.add(response.statusCode() >= 400 ? error(response) : "" + response.statusCode());
    }

    assertThat(outcomes)
        .containsExactly(
            "200",
            "200",
            "200",
            "200",
            "200",
            "204",
            "400 invalid_request_error null null",
            "401 invalid_request_error null null",
            "401 invalid_request_error invalid_api_key null",
            "404 invalid_request_error model_not_found model",
            "404 invalid_request_error model_not_found model",
            "404 invalid_request_error model_not_found model",
            "404 invalid_request_error model_not_found model",
            "404 invalid_request_error unknown_url null",
            "404 invalid_request_error unknown_url null",
            "405 invalid_request_error method_not_supported null",
            "413 invalid_request_error request_too_large null",
            "429 requests rate_limit_exceeded null",
            "502 server_error upstream_auth_error null",
            "502 server_error upstream_error null");
  }

  @Wire("6.404")
  @Test
  void unknownModelsGetTheMessageThatClientsMatch() {
    HttpResponse<String> response = gateway.chat(key, "nobody/nothing", true, "hi");

    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(Gateway.json(response).at("/error/message").asText())
        .startsWith("The model `nobody/nothing` does not exist or you do not have access to it");
  }

  /** Columns: the provider's status and message | status, code and param of the answer. */
  @Wire({"6.kept", "6.400context", "6.502auth", "6.502", "6.504", "1.2d"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "null",
      value = {
        "400 | {\"message\":\"Bad seed.\",\"param\":\"seed\",\"code\":\"invalid_value\"} | 400 | invalid_value | seed",
        "400 | {\"message\":\"maximum context length is 8 tokens\",\"param\":\"messages\",\"code\":\"context_length_exceeded\"} | 400 | context_length_exceeded | messages",
        "404 | {\"message\":\"No such model.\",\"param\":null,\"code\":\"model_not_found\"} | 404 | model_not_found | null",
        "413 | {\"message\":\"Too much.\",\"param\":null,\"code\":\"too_much\"} | 413 | too_much | null",
        "422 | {\"message\":\"Not so.\",\"param\":\"top_k\",\"code\":null} | 422 | null | top_k",
        "401 | {\"message\":\"Bad key provider-secret.\"} | 502 | upstream_auth_error | null",
        "403 | {\"message\":\"Not for provider-secret.\"} | 502 | upstream_auth_error | null",
        "500 | {\"message\":\"Oops.\"}  | 502 | upstream_error   | null",
        "503 | {\"message\":\"Busy.\"}  | 502 | upstream_error   | null",
        "504 | {\"message\":\"Late.\"}  | 504 | upstream_timeout | null",
      })
  void providerErrorsAreMappedToClientOrServerErrors(
      int status, String error, int answer, String code, String param) throws IOException {
    String message =
        "[[script status=%d body='{\"error\":%s}']]".formatted(status, error.replace("'", ""));
    for (boolean stream : new boolean[] {true, false}) {
      HttpResponse<String> response = gateway.post(key, chat(message, stream));

      JsonNode told = Gateway.json(response).path("error");
      assertThat(response.statusCode()).isEqualTo(answer);
      assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
      assertThat(told.path("code").textValue()).isEqualTo(code);
      assertThat(told.path("param").textValue()).isEqualTo(param);
      assertThat(response.body()).doesNotContain("provider-secret");
      if (answer < 500) {
        assertThat(told.path("message")).isEqualTo(Json.parse(error).path("message"));
      }
    }
  }

  @Wire({"6.429", "6.retry"})
  @Test
  void rateLimitErrorsHaveTheTimeToWait() {
    String limited = gateway.createKey("one@example.com", "one");
    gateway.chat(limited, "openai/scripted", false, "hi");
    HttpResponse<String> response = gateway.chat(limited, "openai/scripted", true, "hi");

    assertThat(error(response)).isEqualTo("429 requests rate_limit_exceeded null");
    assertThat(response.headers().firstValue("retry-after").orElseThrow()).matches("[1-5]?\\d|60");
    assertThat(response.headers().firstValue("x-should-retry")).isEmpty();
  }

  /** No server answers at the workbook's address, so that no key can be checked. */
  @Wire({"6.503", "6.retry"})
  @Test
  void requestsGet503WhileKeysCannotBeChecked(@TempDir Path data) throws IOException {
    int nobody;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = socket.getLocalPort();
    }
    Settings settings =
        Settings.load(
            Path.of(""),
            Map.of(
                "PORT", "0",
                "HOST", "127.0.0.1",
                "LLMPROXY_DATA", data.toString(),
                "LOCAL_MODEL", "off",
                "SHEETS_ROOT_URL", "http://127.0.0.1:" + nobody + "/",
                "GOOGLE_SHEETS_SPREADSHEET_ID", "none"));
    Server server = Server.start(Application.open(settings));
    try {
      HttpRequest request =
          HttpRequest.newBuilder(gateway.request("/v1/models", key).build(), (name, value) -> true)
              .uri(java.net.URI.create("http://127.0.0.1:" + server.port() + "/v1/models"))
              .build();
      HttpResponse<String> response = gateway.send(request);

      assertThat(error(response)).isEqualTo("503 server_error overloaded null");
      assertThat(response.headers().firstValue("retry-after").orElseThrow()).matches("[1-9]\\d?");
    } finally {
      server.close();
    }
  }

  @Wire("6.ratelimit")
  @Test
  void chatsAndEmbeddingsHaveRateLimitHeaders() {
    for (HttpResponse<String> response :
        List.of(
            gateway.post(key, chat("hi", false)),
            gateway.post(key, chat("hi", true)),
            gateway.post("/v1/embeddings", key, "{\"model\":\"openai/e\",\"input\":\"a\"}"))) {
      assertThat(response.headers().firstValue("x-ratelimit-limit-requests").orElseThrow())
          .matches("\\d+");
      assertThat(response.headers().firstValue("x-ratelimit-remaining-requests").orElseThrow())
          .matches("\\d+");
      assertThat(response.headers().firstValue("x-ratelimit-reset-requests").orElseThrow())
          .matches("(\\d+m)?\\d+(\\.\\d+)?s|\\d+ms");
    }
  }

  @Wire("7.keepalive")
  @Test
  void oneConnectionServesAnswersOfEveryKind() throws IOException {
    try (RawConnection client = gateway.connect()) {
      assertThat(exchange(client, request(chat("one", false)))).contains("You said: one");
      assertThat(exchange(client, request("{"))).startsWith("HTTP/1.1 400");
      assertThat(exchange(client, request(chat("[[script chunks=2]]", true))))
          .contains("word2", "[DONE]");
      assertThat(exchange(client, request(chat("[[script chunks=4 end=2]]", true))))
          .contains("event: error");
      assertThat(exchange(client, request(chat("[[script status=500]]", true))))
          .startsWith("HTTP/1.1 502");
      assertThat(exchange(client, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"))
          .startsWith("HTTP/1.1 401");
      assertThat(exchange(client, request(" ".repeat(21 * MEGABYTE)))).startsWith("HTTP/1.1 413");
      assertThat(exchange(client, request(chat("two", false)))).contains("You said: two");
    }
  }

  @Wire("7.h2")
  @ParameterizedTest
  @ValueSource(ints = {1 << 10, 6 * MEGABYTE})
  void upgradesToHttp2AreServedForAllBodySizes(int size) throws Exception {
    ObjectNode body = (ObjectNode) Json.parse(chat("[[script chunks=3]]", true));
    body.put("pad", "x".repeat(size));
    HttpRequest chat = post("/v1/chat/completions", key, Json.text(body));
    HttpResponse<String> first = freshHttp2().send(chat, HttpResponse.BodyHandlers.ofString());
    HttpResponse<String> later = upgraded().send(chat, HttpResponse.BodyHandlers.ofString());

    assertThat(first.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
    assertThat(later.version()).isEqualTo(HttpClient.Version.HTTP_2);
    assertThat(later.headers().map()).doesNotContainKeys("connection", "transfer-encoding");
    assertThat(List.of(first, later))
        .allSatisfy(response -> {
          assertThat(response.statusCode()).isEqualTo(200);
          assertThat(response.body()).contains("word3").endsWith("data: [DONE]\n\n");
        });
  }

  @Wire({"5.8", "7.h2"})
  @Test
  void theProviderIsCancelledWhenAnHttp2StreamIsReset() throws Exception {
    int cancelled = gateway.provider().cancelled();
    HttpResponse<java.io.InputStream> response =
        upgraded()
            .send(
                post("/v1/chat/completions", key, chat("[[script chunks=1000 gap=50]]", true)),
                HttpResponse.BodyHandlers.ofInputStream());
    try (var lines =
        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
      assertThat(lines.readLine()).startsWith("data: ");
    }

    assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_2);
    Awaitility.await().until(() -> gateway.provider().cancelled() > cancelled);
  }

  @Wire("7.parallel")
  @Test
  void sixtyFourParallelStreamsOnOneHttp2ConnectionAreComplete() throws Exception {
    HttpRequest request =
        post("/v1/chat/completions", key, chat("[[script chunks=10 gap=10]]", true));
    HttpClient client = upgraded();
    List<CompletableFuture<HttpResponse<String>>> answers =
        IntStream.range(0, 64)
            .mapToObj(i -> client.sendAsync(request, HttpResponse.BodyHandlers.ofString()))
            .toList();

    assertThat(answers)
        .allSatisfy(answer -> {
          assertThat(answer.join().version()).isEqualTo(HttpClient.Version.HTTP_2);
          assertThat(answer.join().body()).contains("word10").endsWith("data: [DONE]\n\n");
        });
    // Each has the id that its own record has.
    for (CompletableFuture<HttpResponse<String>> answer : answers) {
      String id = answer.join().headers().firstValue("x-request-id").orElseThrow();
      assertThat(gateway.awaitRecord(record -> record.requestId().equals(id))).isNotNull();
    }
  }

  @Wire("7.cors")
  @Test
  void preflightsNeedNoKeyAndAllowTheRequestedHeaders() {
    HttpRequest.Builder request =
        gateway
            .request("/v1/chat/completions", null)
            .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
            .header("Origin", ORIGIN)
            .header("Access-Control-Request-Method", "POST");
    String asked = "authorization, content-type, x-stainless-lang, x-tool-notifications";
    HttpResponse<String> listed =
        gateway.send(request.copy().header("Access-Control-Request-Headers", asked).build());
    HttpResponse<String> bare = gateway.send(request.build());

    for (HttpResponse<String> response : List.of(listed, bare)) {
      assertThat(response.statusCode()).isEqualTo(204);
      assertThat(response.headers().firstValue("access-control-allow-methods"))
          .hasValue("GET, POST, OPTIONS");
      assertThat(response.headers().firstValue("access-control-max-age").orElseThrow())
          .matches("\\d+");
    }
    assertThat(listed.headers().firstValue("access-control-allow-headers")).hasValue(asked);
    assertThat(bare.headers().firstValue("access-control-allow-headers").orElseThrow())
        .contains("authorization", "content-type", "x-tool-notifications");
  }

  /** A client with an HTTP/2 connection, upgraded by a request without a body. */
  private static HttpClient upgraded() throws Exception {
    HttpClient client = freshHttp2();
    HttpResponse<Void> response =
        client.send(
            gateway.request("/v1/models", key).build(), HttpResponse.BodyHandlers.discarding());
    assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_2);
    return client;
  }

  private static String error(HttpResponse<String> response) {
    JsonNode error = Gateway.json(response).path("error");
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(response.body()).startsWith("{\"error\":{");
    assertThat(error.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("message", "type", "param", "code");
    assertThat(error.path("message").asText()).isNotBlank();
    return "%d %s %s %s"
        .formatted(
            response.statusCode(),
            error.path("type").asText(),
            error.path("code").textValue(),
            error.path("param").textValue());
  }

  private static HttpClient freshHttp2() {
    return HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
  }

  private static String chat(String message, boolean stream) {
    var body = Json.object().put("model", "openai/scripted").put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", message);
    return Json.text(body);
  }

  private static HttpRequest post(String path, String bearer, String body) {
    return gateway.request(path, bearer).POST(HttpRequest.BodyPublishers.ofString(body)).build();
  }

  private static String request(String body, String... headers) {
    return RawConnection.request("/v1/chat/completions", key, body, headers);
  }

  private static Head head(RawConnection client) throws IOException {
    List<String> lines = client.readUntil("\r\n\r\n").strip().lines().toList();
    Map<String, List<String>> headers = new HashMap<>();
    for (String line : lines.subList(1, lines.size())) {
      int colon = line.indexOf(':');
      headers
          .computeIfAbsent(
              line.substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>())
          .add(line.substring(colon + 1).strip());
    }
    return new Head(lines.getFirst(), headers);
  }

  /** Sends a request and reads its answer to the last byte; returns status line and body. */
  private static String exchange(RawConnection client, String request) throws IOException {
    client.write(request);
    Head head = head(client);
    List<String> length = head.headers().get("content-length");
    String body =
        length == null
            ? client.readUntil("\r\n0\r\n\r\n")
            : client.read(Integer.parseInt(length.getFirst()));
    return head.status() + "\n" + body;
  }
}
