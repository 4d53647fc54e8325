package dev.llmproxy.emulator;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScriptedProviderTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ScriptedProvider provider = ScriptedProvider.start();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @AfterEach
  void stop() {
    provider.close();
  }

  @Test
  void lastMessageIsRepeatedWordByWord() throws Exception {
    List<JsonNode> chunks = chunks(stream("hello there").body());

    assertThat(chunks)
        .extracting(chunk -> chunk.at("/choices/0/delta/content").asText(""))
        .containsExactly("", "You", " said:", " hello", " there", "");
    assertThat(chunks.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("stop");
  }

  @Test
  void usageCountsWordsAsTokens() throws Exception {
    ObjectNode request = request("hello there", true);
    request.putObject("stream_options").put("include_usage", true);

    JsonNode last = chunks(post(request).body()).getLast();

    assertThat(last.path("choices")).isEmpty();
    assertThat(last.at("/usage/prompt_tokens").asInt()).isEqualTo(2);
    assertThat(last.at("/usage/completion_tokens").asInt()).isEqualTo(4);
  }

  @Test
  void requestWithoutStreamGetsACompletion() throws Exception {
    JsonNode reply = JSON.readTree(post(request("hi [[script tools=2]]", false)).body());

    assertThat(reply.at("/choices/0/message/tool_calls/1/function/arguments").asText())
        .isEqualTo("{\"location\": \"Rome\"}");
    assertThat(reply.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
  }

  @Test
  void answerMatchesTheSchemaOfTheRequest() throws Exception {
    ObjectNode request = request("[[script json=1]]", false);
    ObjectNode format = request.putObject("response_format").put("type", "json_schema");
    ObjectNode properties =
        format.putObject("json_schema").putObject("schema").putObject("properties");
    properties.putObject("city").put("type", "string");
    properties.putObject("people").put("type", "integer");

    JsonNode reply = JSON.readTree(post(request).body());

    assertThat(reply.at("/choices/0/message/content").asText())
        .isEqualTo("{\"city\": \"Paris\", \"people\": 42}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"crlf=1", "split=1", "utf8=1", "gap=5", "fields=1", "split=1 crlf=1 utf8=1"})
  void saysTheSameHoweverItIsSent(String directives) throws Exception {
    String body = stream("Grüße [[script " + directives + "]]").body();

    StringBuilder text = new StringBuilder();
    chunks(body).forEach(chunk -> text.append(chunk.at("/choices/0/delta/content").asText("")));
    assertThat(text.toString()).startsWith("You said: Grüße");
    assertThat(body).containsOnlyOnce("[DONE]");
  }

  @Test
  void statusDirectiveAnswersWithAnError() throws Exception {
    HttpResponse<String> reply = stream("[[script status=429 retry_after=7]]");

    assertThat(reply.statusCode()).isEqualTo(429);
    assertThat(reply.headers().firstValue("retry-after")).hasValue("7");
    assertThat(JSON.readTree(reply.body()).at("/error/code").asText())
        .isEqualTo("rate_limit_exceeded");
  }

  @Test
  void bodyDirectiveSetsTheBody() throws Exception {
    HttpResponse<String> reply = stream("[[script status=418 body='{\"odd\": true}']]");

    assertThat(reply.statusCode()).isEqualTo(418);
    assertThat(reply.body()).isEqualTo("{\"odd\": true}");
  }

  @Test
  void cutDirectiveDropsTheConnection() {
    assertThatThrownBy(() -> stream("[[script cut=3 chunks=9]]")).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> stream("[[script hangup=1]]")).isInstanceOf(IOException.class);
  }

  @Test
  void failsDirectiveLimitsTheFailures() throws Exception {
    String script = "[[script fails=1 cut=1 chunks=3]]";

    assertThatThrownBy(() -> stream(script)).isInstanceOf(IOException.class);
    assertThat(stream(script).body()).contains("word2", "[DONE]");
  }

  @Test
  void endDirectiveEndsWithoutAFinishReason() throws Exception {
    String body = stream("[[script end=3 chunks=9]]").body();

    assertThat(body).contains("word3").doesNotContain("word4", "[DONE]", "stop");
  }

  @Test
  void errorDirectiveSendsAnErrorInTheMiddle() throws Exception {
    String body = stream("[[script error=2 chunks=9]]").body();

    assertThat(chunks(body).getLast().at("/error/code").asText()).isEqualTo("engine_error");
    assertThat(body).contains("word2").doesNotContain("word3", "[DONE]");
  }

  @Test
  void streamContinuesAfterGarbage() throws Exception {
    assertThat(stream("[[script garbage=2 chunks=3]]").body())
        .contains("data: {\"id\":\"chatcmpl-scri\n\n", "word3", "[DONE]");
  }

  @Test
  void peerThatLeavesASilentStreamIsCounted() throws Exception {
    HttpRequest request = httpRequest(request("[[script silent=1]]", true));
    InputStream body = client.send(request, BodyHandlers.ofInputStream()).body();
    assertThat(body.read()).isEqualTo('d');
    assertThat(provider.cancelled()).isZero();

    body.close();

    await().untilAsserted(() -> assertThat(provider.cancelled()).isEqualTo(1));
  }

  @Test
  void dialectsApplyToCompletions() throws Exception {
    JsonNode groq = JSON.readTree(post(request("hi [[script groq=1]]", false)).body());
    JsonNode bare = JSON.readTree(post(request("hi [[script bare=1]]", false)).body());

    assertThat(groq.path("service_tier").asText()).isEqualTo("on_demand");
    assertThat(bare.has("id")).isFalse();
    assertThat(bare.at("/choices/0/message/content").asText()).isEqualTo("You said: hi");
  }

  @Test
  void groqDirectiveSendsUsageLikeGroq() throws Exception {
    JsonNode last = chunks(stream("hi [[script groq=1]]").body()).getLast();

    assertThat(last.at("/x_groq/usage/total_tokens").asInt()).isPositive();
    assertThat(last.path("service_tier").asText()).isEqualTo("on_demand");
  }

  @Test
  void bareDirectiveOmitsFields() throws Exception {
    assertThat(stream("hi [[script bare=1]]").body())
        .doesNotContain("\"id\"", "\"role\"", "\"index\"", "\"object\"");
  }

  @Test
  void requestsAreRecorded() throws Exception {
    stream("hello");

    assertThat(provider.lastRequest().header("authorization")).isEqualTo("Bearer test");
    assertThat(provider.lastRequest().body().path("model").asText()).isEqualTo("scripted");
  }

  @Test
  void unknownDirectiveIsRejected() throws Exception {
    assertThat(stream("[[script chunk=3]]").statusCode()).isEqualTo(400);
    assertThat(stream("[[script chunks=many]]").statusCode()).isEqualTo(400);
  }

  @Test
  void requestWithoutKeyIsRejected() throws Exception {
    URI models = URI.create(provider.baseUrl() + "/models");

    var reply = client.send(HttpRequest.newBuilder(models).build(), BodyHandlers.ofString());

    assertThat(reply.statusCode()).isEqualTo(401);
  }

  @Test
  void heldAnswerContinuesAfterRelease() throws Exception {
    HttpRequest request = httpRequest(request("[[script chunks=2 hold=1]]", true));
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                client.send(request, BodyHandlers.ofInputStream()).body(), UTF_8))) {
      assertThat(lines.lines().takeWhile(line -> !line.contains("word1"))).isNotEmpty();
      CompletableFuture<List<String>> rest =
          CompletableFuture.supplyAsync(() -> lines.lines().toList());
      assertThat(rest).isNotDone();

      client.send(
          HttpRequest.newBuilder(URI.create(provider.baseUrl()).resolve("/release")).build(),
          BodyHandlers.discarding());

      assertThat(String.join("", rest.get(20, TimeUnit.SECONDS))).contains("word2", "[DONE]");
    }
  }

  private HttpResponse<String> stream(String message) throws Exception {
    return post(request(message, true));
  }

  private HttpResponse<String> post(ObjectNode request) throws Exception {
    return client.send(httpRequest(request), BodyHandlers.ofString());
  }

  private HttpRequest httpRequest(ObjectNode request) throws IOException {
    return HttpRequest.newBuilder(URI.create(provider.baseUrl() + "/chat/completions"))
        .header("authorization", "Bearer test")
        .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(request)))
        .build();
  }

  private static ObjectNode request(String message, boolean stream) {
    ObjectNode request = JSON.createObjectNode().put("model", "scripted").put("stream", stream);
    request.putArray("messages").addObject().put("role", "user").put("content", message);
    return request;
  }

  private static List<JsonNode> chunks(String body) throws IOException {
    List<String> events =
        body.lines()
            .filter(line -> line.startsWith("data: {"))
            .map(line -> line.substring("data: ".length()))
            .toList();
    return JSON.readerFor(JsonNode.class).<JsonNode>readValues(String.join("\n", events)).readAll();
  }
}
