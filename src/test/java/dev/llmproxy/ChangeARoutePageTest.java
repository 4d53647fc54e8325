package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.ScriptedProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the recipes of docs/change-a-route.md over HTTP. */
class ChangeARoutePageTest {
  private static final Map<String, List<String>> HOOKS =
      Map.of(
          "hook-request",
          List.of(
              "A header on answers",
              "Block a word",
              "Redact what must not reach a provider",
              "Another model at night",
              "Cap the length of answers for a tier"),
          "hook-settled",
          List.of(
              "A webhook for each record",
              "A word in Slack when something fails",
              "A file of all records"));
  private static final Pattern STEP = Pattern.compile("(?ms)^        - log:.*\\z");
  private static final String WEATHER = "{\"city\":\"Bonn\",\"sky\":\"grüngrau\"}";

  private static final List<String> WEBHOOK = new CopyOnWriteArrayList<>();
  private static final List<String> SLACK = new CopyOnWriteArrayList<>();
  private static final List<String> ASKED = new CopyOnWriteArrayList<>();
  private static String page;
  private static HttpServer others;
  private static Gateway gateway;
  private static ScriptedProvider acme;
  private static Path data;
  private static String free;
  private static String pro;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    page = Files.readString(Path.of("docs/change-a-route.md"));
    others = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    take("/llmproxy", WEBHOOK, "text/plain", "");
    take("/slack", SLACK, "text/plain", "ok");
    take("/now", ASKED, "application/json", WEATHER);
    others.start();
    String here = "http://127.0.0.1:" + others.getAddress().getPort();
    Path home = OwnHome.copyTo(folder.resolve("home"));
    for (Map.Entry<String, List<String>> hook : HOOKS.entrySet()) {
      Path file = home.resolve("routes/" + hook.getKey() + ".camel.yaml");
      String steps =
          hook.getValue().stream()
              .map(recipe -> recipe(recipe, "In `" + hook.getKey() + "`"))
              .collect(Collectors.joining())
              .replace("https://hooks.example.com/llmproxy", here + "/llmproxy")
              .replace("https://hooks.slack.com/services/T000/B000/secret", here + "/slack")
              // Makes every hour a night hour.
              .replace(">= 22", ">= 0");
      String shipped = Files.readString(file);
      assertThat(shipped).containsPattern(STEP);
      Files.writeString(
          file, STEP.matcher(shipped).replaceAll(Matcher.quoteReplacement(steps.indent(8))));
    }
    Files.writeString(
        home.resolve("routes/tool-weather.camel.yaml"),
        recipe("A tool that calls an HTTP API", "A new file, `routes/tool-weather.camel.yaml`")
            .replace("https://weather.example.com/now", here + "/now"));
    Files.writeString(
        home.resolve("providers/acme.yaml"),
        recipe("A provider with a quirk", "A new file, `providers/acme.yaml`"));
    data = folder.resolve("data");
    acme = ScriptedProvider.start();
    gateway =
        Gateway.startAt(
            home, data, Map.of("ACME_API_KEY", "acme-key", "ACME_BASE_URL", acme.baseUrl()));
    free = gateway.createKey("free@example.com");
    pro = gateway.createKey("pro@example.com", "pro");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    acme.close();
    others.stop(0);
  }

  @Test
  void allRecipesAreTested() {
    assertThat(Pattern.compile("(?m)^### ").matcher(page).results()).hasSize(10);
    assertThat(HOOKS.values().stream().mapToInt(List::size).sum() + 2).isEqualTo(10);
  }

  @Test
  void headersReachTheClientForAllAnswers() throws Exception {
    for (boolean stream : List.of(false, true)) {
      for (String message : List.of("hello", "[[script status=500]]")) {
        assertHeaders(chat(free, "openai/scripted", message, stream));
      }
    }
    assertHeaders(
        gateway.post("/v1/embeddings", free, "{\"model\":\"openai/scripted\",\"input\":\"x\"}"));
    assertHeaders(chat(free, "openai/scripted", "[[script calls='weather {}']]", true));
  }

  private static void assertHeaders(HttpResponse<String> answer) {
    assertThat(answer.headers().firstValue("X-Served-By"))
        .as(answer.body())
        .hasValue("llmproxy-berlin");
    assertThat(answer.headers().firstValue("X-Asked-Model")).hasValue("openai/scripted");
    assertThat(answer.headers().map().keySet())
        .noneMatch(name -> name.toLowerCase(java.util.Locale.ROOT).startsWith("camel"))
        .doesNotContain("authorization", "x-client", "secret");
    assertThat(answer.headers().map().toString())
        .doesNotContain("of-the-client", "provider-secret");
  }

  @Test
  void blockedWordsAreRefusedAnywhereInTheRequest() {
    for (String endpoint : List.of("/v1/chat/completions", "/v1/embeddings")) {
      ObjectNode request =
          request("openai/scripted", "Tell me of Project  FALCON, and project Falcon.");
      request.put("input", "project Falcon");
      HttpResponse<String> answer = gateway.post(endpoint, free, Json.text(request));

      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
      JsonNode error = Gateway.json(answer).path("error");
      assertThat(error.path("code").asText()).isEqualTo("refused");
      assertThat(error.path("message").asText())
          .isEqualTo("Project names must not leave the house. Leave it out, and ask again.");
    }
    assertThat(chat(free, "openai/scripted", "Tell me of a falcon.", false).statusCode())
        .isEqualTo(200);
  }

  @Test
  void redactedTextDoesNotReachTheProvider() {
    ObjectNode request = request("openai/scripted", "My card is 4111111111111111.");
    request
        .withArray("messages")
        .addObject()
        .put("role", "user")
        .putArray("content")
        .addObject()
        .put("type", "text")
        .put("text", "Or 5500000000000004, not 12.");
    assertThat(gateway.post(free, Json.text(request)).statusCode()).isEqualTo(200);

    String asked = gateway.provider().lastRequest().body().toString();
    assertThat(asked)
        .contains("My card is [card number].", "Or [card number], not 12.")
        .doesNotContain("4111", "5500");

    gateway.post(
        "/v1/embeddings",
        free,
        "{\"model\":\"openai/scripted\",\"input\":[\"4111111111111111\", \"x\"]}");
    assertThat(gateway.provider().lastRequest().body().path("input").toString())
        .isEqualTo("[\"[card number]\",\"x\"]");
  }

  @Test
  void theNightRecipeChangesTheModel() {
    chat(free, "openai/gpt-4o", "hello", true);

    assertThat(gateway.provider().lastRequest().body().path("model").asText())
        .isEqualTo("gpt-4o-mini");
  }

  @Test
  void theTierRecipeCapsAnswers() {
    String field = "/max_tokens";
    chat(free, "openai/scripted", "hello", false);
    assertThat(most()).isEqualTo(500);
    gateway.post(free, Json.text(request("openai/scripted", "hello").put("max_tokens", 7)));
    assertThat(most()).as(field).isEqualTo(7);
    gateway.post(
        free, Json.text(request("openai/scripted", "hello").put("max_completion_tokens", 7000)));
    assertThat(most()).isEqualTo(500);
    chat(pro, "openai/scripted", "hello", false);
    assertThat(most()).isZero();
  }

  /** The token limit in the provider's request, in either field; 0 for none. */
  private static int most() {
    JsonNode body = gateway.provider().lastRequest().body();
    return body.path("max_tokens").asInt() + body.path("max_completion_tokens").asInt();
  }

  @Test
  void recordsGoToWebhookAndFileAndFailuresToSlack() throws IOException {
    HttpResponse<String> good = chat(pro, "openai/scripted", "hello", false);
    HttpResponse<String> bad = chat(pro, "openai/scripted", "[[script status=500]]", true);
    String goodId = good.headers().firstValue("x-request-id").orElseThrow();
    String badId = bad.headers().firstValue("x-request-id").orElseThrow();

    Awaitility.await()
        .untilAsserted(() -> {
          assertThat(WEBHOOK)
              .anyMatch(call -> call.startsWith("application/json") && call.contains(goodId));
          assertThat(WEBHOOK).anyMatch(call -> call.contains(badId));
          assertThat(SLACK).anyMatch(call -> call.contains(badId));
          assertThat(records())
              .anyMatch(line -> line.contains(goodId))
              .anyMatch(line -> line.contains(badId));
        });
    assertThat(SLACK).noneMatch(call -> call.contains(goodId));
    String slack = SLACK.stream().filter(call -> call.contains(badId)).findFirst().orElseThrow();
    assertThat(ToolChats.json(slack.substring(slack.indexOf('{'))).path("text").asText())
        .contains("ERROR 502", "upstream_error", "Scripted failure");
    assertThat(ToolChats.json(records().getFirst()).path("user").asText()).endsWith("@example.com");
  }

  private static List<String> records() throws IOException {
    Path folder = data.resolve("records");
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (var files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".jsonl"))
          .flatMap(file -> {
            try {
              return Files.readAllLines(file).stream();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          })
          .toList();
    }
  }

  @Test
  void jsonResultsOfToolsReachTheModel() {
    ObjectNode request =
        request("openai/scripted", "[[script calls='weather {\"city\": \"Bad Bonn\"}']]");
    request.putArray("tools").addObject().put("type", "weather");

    JsonNode completion = Gateway.json(gateway.post(pro, Json.text(request)));

    assertThat(completion.at("/choices/0/message/content").asText()).contains(WEATHER);
    assertThat(ASKED.getLast()).contains("city=Bad%20Bonn");
  }

  @Test
  void theProviderFileOfThePageIsApplied() {
    ObjectNode request = request("acme/some-model", "hello").put("store", true).put("user", "me");
    ((ObjectNode) request.at("/messages/0")).put("role", "developer");

    HttpResponse<String> answer = gateway.post(pro, Json.text(request));

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    JsonNode asked = acme.lastRequest().body();
    assertThat(asked.path("model").asText()).isEqualTo("some-model");
    assertThat(asked.has("store") || asked.has("user")).isFalse();
    assertThat(asked.at("/messages/0/role").asText()).isEqualTo("system");
  }

  private static HttpResponse<String> chat(
      String key, String model, String message, boolean stream) {
    return gateway.send(
        gateway
            .request("/v1/chat/completions?secret=of-the-client", key)
            .header("X-Client", "of-the-client")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    Json.text(request(model, message).put("stream", stream))))
            .build());
  }

  private static ObjectNode request(String model, String message) {
    ObjectNode request = Json.object().put("model", model);
    request.putArray("messages").addObject().put("role", "user").put("content", message);
    return request;
  }

  /** The YAML of a recipe; its text must begin with the place. */
  private static String recipe(String title, String place) {
    Matcher recipe =
        Pattern.compile("(?ms)^### " + Pattern.quote(title) + "\\n\\n(.*?)```yaml\\n(.*?)^```$")
            .matcher(page);
    assertThat(recipe.find()).as(title).isTrue();
    assertThat(recipe.group(1)).startsWith(place);
    return recipe.group(2);
  }

  private static void take(String path, List<String> calls, String type, String answer) {
    others.createContext(
        path,
        call -> {
          String body = new String(call.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          calls.add(
              call.getRequestHeaders().getFirst("Content-Type")
                  + " "
                  + call.getRequestURI()
                  + " "
                  + body);
          call.getResponseHeaders().set("Content-Type", type);
          byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
          call.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
          call.getResponseBody().write(bytes);
          call.close();
        });
  }
}
