package dev.llmproxy;

import static dev.llmproxy.MessageChats.SEARCH;
import static dev.llmproxy.MessageChats.WEATHER;
import static dev.llmproxy.MessageChats.collated;
import static dev.llmproxy.MessageChats.events;
import static dev.llmproxy.MessageChats.names;
import static dev.llmproxy.MessageChats.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.MessageChats.Event;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.ScriptedSearch;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
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

/** POST /v1/messages: answers, streams and errors, as clients of Anthropic's API see them. */
class MessagesRouteTest {
  private static ScriptedSearch search;
  private static Gateway gateway;
  private static String key;
  private static MessageChats chats;

  @BeforeAll
  static void start(@TempDir Path data) {
    search = ScriptedSearch.start();
    Map<String, String> settings = new HashMap<>(search.settings());
    settings.put("STREAM_KEEPALIVE_SECONDS", "5");
    settings.put("RATE_LIMIT_ONE", "1");
    settings.put("MODEL_ALIASES", "claude-* -> openai/scripted");
    settings.put("PROVIDER_SILENCE_SECONDS", "20");
    gateway = Gateway.start(data, settings);
    key = gateway.createKey("messages@example.com");
    chats = new MessageChats(gateway, key);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    search.close();
  }

  @Wire("12.reply")
  @Test
  void wholeAnswersAreOneMessage() {
    HttpResponse<String> response = chats.post(request("[[script chunks=3]]"));

    JsonNode message = Gateway.json(response);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(message.path("content"))
        .isEqualTo(ToolChats.json("[{\"type\":\"text\",\"text\":\"word1 word2 word3\"}]"));
    assertThat(message.path("model").asText()).isEqualTo("openai/scripted");
    assertThat(message.path("stop_reason").asText()).isEqualTo("end_turn");
    assertThat(message.path("stop_sequence").isNull()).isTrue();
    assertThat(message.at("/usage/output_tokens").asInt()).isEqualTo(3);
    MessageChats.checkMessage(message);
  }

  @Wire({"12.stream", "12.events"})
  @Test
  void streamsHaveNamedEventsInTheirOrder() {
    HttpResponse<String> response = chats.post(request("[[script chunks=2]]").put("stream", true));

    assertThat(response.headers().firstValue("content-type"))
        .hasValue("text/event-stream; charset=utf-8");
    assertThat(names(events(response.body())))
        .containsExactly(
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop");
    assertThat(response.body()).doesNotContain("[DONE]");
  }

  @Wire("12.usage")
  @Test
  void theInputTokensAreEstimatedAtTheStartAndExactAtTheEnd() {
    String prompt = "a".repeat(7000);

    List<Event> events = chats.stream(request(prompt));

    assertThat(events.getFirst().json().at("/message/usage/input_tokens").asInt())
        .isBetween(2000, 2010);
    JsonNode usage = events.get(events.size() - 2).json().path("usage");
    assertThat(usage.path("input_tokens").asInt()).isEqualTo(1);
    assertThat(usage.path("output_tokens").asInt()).isPositive();
    assertThat(usage.path("cache_read_input_tokens").asInt()).isZero();
    assertThat(usage.path("cache_creation_input_tokens").asInt()).isZero();
  }

  @Wire("12.model")
  @ParameterizedTest
  @ValueSource(strings = {"claude-opus-5-5", "claude-opus-5-5[1m]", "openai/scripted[1m]"})
  void theAnswersModelIsTheNameOfTheRequest(String model) {
    ObjectNode request = request("hi").put("model", model);

    assertThat(chats.whole(request).path("model").asText()).isEqualTo(model);
    assertThat(collated(chats.stream(request)).path("model").asText()).isEqualTo(model);
    assertThat(chats.asked().path("model").asText()).isEqualTo("scripted");
  }

  @Wire("12.stop")
  @ParameterizedTest
  @CsvSource({
    "stop, end_turn",
    "length, max_tokens",
    "content_filter, refusal",
    "eos, end_turn",
    "max_tokens, max_tokens"
  })
  void finishReasonsBecomeStopReasons(String finish, String stop) {
    ObjectNode request = request("[[script chunks=1 finish=" + finish + "]]");

    assertThat(chats.whole(request).path("stop_reason").asText()).isEqualTo(stop);
    assertThat(collated(chats.stream(request)).path("stop_reason").asText()).isEqualTo(stop);
  }

  @Wire({"12.blocks", "12.calls"})
  @Test
  void callsBecomeBlocksOneAfterAnother() {
    ObjectNode request = request("[[script tools=2]]", WEATHER);

    ObjectNode message = collated(chats.stream(request));

    assertThat(message.path("content"))
        .isEqualTo(
            ToolChats.json(
                """
                [{"type":"tool_use","id":"call_scripted_0","name":"get_weather","input":{"location":"Paris"}},
                 {"type":"tool_use","id":"call_scripted_1","name":"get_weather","input":{"location":"Rome"}}]
                """));
    assertThat(message.path("stop_reason").asText()).isEqualTo("tool_use");
    assertThat(chats.whole(request).path("content")).isEqualTo(message.path("content"));
  }

  @Wire("12.calls")
  @Test
  void callsWithoutArgumentsHaveAnEmptyObjectAsInput() {
    ObjectNode request = request("[[script calls='get_weather ']]", WEATHER);

    List<Event> events = chats.stream(request);

    assertThat(events.stream().filter(event -> event.name().equals("content_block_delta")))
        .singleElement()
        .satisfies(
            event -> assertThat(event.json().at("/delta/partial_json").asText()).isEqualTo("{}"));
    assertThat(chats.whole(request).at("/content/0/input")).isEqualTo(Json.object());
  }

  @Wire("12.thinking")
  @Test
  void reasoningBecomesABlockOfThinkingWithASignature() {
    ObjectNode request = request("[[script reasoning=1 chunks=1]]");
    request.putObject("thinking").put("type", "enabled").put("budget_tokens", 2000);

    for (ObjectNode message : List.of(collated(chats.stream(request)), chats.whole(request))) {
      assertThat(message.at("/content/0/type").asText()).isEqualTo("thinking");
      assertThat(message.at("/content/0/thinking").asText()).isEqualTo("Let me think.");
      assertThat(message.at("/content/0/signature").asText()).hasSizeGreaterThan(20);
      assertThat(message.at("/content/1/text").asText()).isEqualTo("word1");
    }
  }

  @Wire("12.thinking")
  @ParameterizedTest
  @ValueSource(strings = {"disabled", "none"})
  void reasoningIsNotShownUnlessTheRequestAsksForIt(String type) {
    ObjectNode request = request("[[script reasoning=1 chunks=1]]");
    if (type.equals("disabled")) {
      request.putObject("thinking").put("type", type);
    }

    for (ObjectNode message : List.of(collated(chats.stream(request)), chats.whole(request))) {
      assertThat(types(message.path("content"))).containsExactly("text");
    }
  }

  @Wire("12.thinking")
  @Test
  void omittedThinkingHasASignatureAlone() {
    ObjectNode request = request("[[script reasoning=1 chunks=1]]");
    request.putObject("thinking").put("type", "adaptive").put("display", "omitted");

    for (ObjectNode message : List.of(collated(chats.stream(request)), chats.whole(request))) {
      assertThat(message.at("/content/0/thinking").asText("x")).isEmpty();
      assertThat(message.at("/content/0/signature").asText()).isNotEmpty();
    }
  }

  @Wire("12.signature")
  @Test
  void thinkingThatComesBackGoesToTheProvider() {
    ObjectNode request = request("[[script reasoning=1 tools=1]]", WEATHER);
    request.putObject("thinking").put("type", "enabled").put("budget_tokens", 2000);
    JsonNode content = chats.whole(request).path("content");
    request.withArray("messages").addObject().put("role", "assistant").set("content", content);
    request
        .withArray("messages")
        .addObject()
        .put("role", "user")
        .putArray("content")
        .addObject()
        .put("type", "tool_result")
        .put("tool_use_id", "call_scripted_0")
        .put("content", "sunny");

    JsonNode messages = chats.askedFor(request).path("messages");

    assertThat(messages.at("/1/reasoning_content").asText()).isEqualTo("Let me think.");
    assertThat(messages.at("/1/content").isNull()).isTrue();
    assertThat(messages.at("/2/content").asText()).isEqualTo("sunny");
  }

  @Wire("12.signature")
  @Test
  void thinkingWithAnotherSignatureIsDropped() {
    ObjectNode request = request("hi");
    request
        .withArray("messages")
        .addObject()
        .put("role", "assistant")
        .set(
            "content",
            ToolChats.json(
                """
                [{"type":"thinking","thinking":"hm","signature":"EqQBCgIYAhIM"},
                 {"type":"redacted_thinking","data":"x"},{"type":"text","text":"Hello"}]
                """));
    request.withArray("messages").addObject().put("role", "user").put("content", "on");

    HttpResponse<String> answer = chats.post(request);

    assertThat(MessageChats.dropped(answer))
        .containsExactly("messages.thinking", "messages.redacted_thinking");
    assertThat(chats.asked().at("/messages/1"))
        .isEqualTo(ToolChats.json("{\"role\":\"assistant\",\"content\":\"Hello\"}"));
  }

  @Wire("12.search")
  @Test
  void theServersSearchIsShownAsBlocks() {
    ObjectNode request =
        request("[[script calls='web_search {\"query\": \"camels\"}' say='Let me look.']]", SEARCH);

    ObjectNode streamed = collated(chats.stream(request));

    assertThat(types(streamed.path("content")))
        .startsWith("text", "server_tool_use", "web_search_tool_result");
    assertThat(streamed.at("/content/0/text").asText()).isEqualTo("Let me look.");
    assertThat(streamed.at("/content/1/id").asText()).startsWith("srvtoolu_");
    assertThat(streamed.at("/content/1/input/query").asText()).isEqualTo("camels");
    assertThat(streamed.at("/content/2/tool_use_id")).isEqualTo(streamed.at("/content/1/id"));
    assertThat(streamed.at("/content/2/content/0/url").asText())
        .isEqualTo(ToolChats.SEARCH_ADDRESS);
    assertThat(streamed.at("/content/2/content/0/title").asText()).isEqualTo("searxng on camels");
    assertThat(streamed.at("/content/3/text").asText()).contains("The tool said:");
    assertThat(streamed.at("/usage/server_tool_use/web_search_requests").asInt()).isEqualTo(1);
    assertThat(streamed.path("stop_reason").asText()).isEqualTo("end_turn");
    ObjectNode whole = chats.whole(request);
    assertThat(whole.path("content")).isEqualTo(streamed.path("content"));
    assertThat(whole.path("usage")).isEqualTo(streamed.path("usage"));
  }

  @Wire("12.search")
  @Test
  void aFailedSearchIsAnErrorBlock() {
    ObjectNode request = request("[[script calls='web_search {\"q\": 1}']]", SEARCH);

    ObjectNode message = collated(chats.stream(request));

    assertThat(message.at("/content/1/content"))
        .isEqualTo(
            ToolChats.json(
                "{\"type\":\"web_search_tool_result_error\",\"error_code\":\"unavailable\"}"));
  }

  @Wire("12.search")
  @Test
  void searchesBeyondMaxUsesDoNotRun() {
    ObjectNode request =
        request(
            "[[script calls='web_search {\"query\": \"a\"} & web_search {\"query\": \"b\"} | web_search {\"query\": \"c\"}']]",
            "{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":1}");

    HttpResponse<String> answer = chats.post(request);
    JsonNode content = ToolChats.json(answer.body()).path("content");

    JsonNode tooOften =
        ToolChats.json(
            "{\"type\":\"web_search_tool_result_error\",\"error_code\":\"max_uses_exceeded\"}");
    assertThat(content.findValuesAsText("type")).contains("web_search_result");
    assertThat(content.findValues("content").stream().filter(tooOften::equals)).hasSize(2);
    assertThat(content.path(content.size() - 1).path("text").asText())
        .isEqualTo("The tool said: The user allows no more calls of web_search. Go on without it.");
    assertThat(answer.headers().firstValue("x-llmproxy-dropped")).isEmpty();
  }

  @Wire("12.search")
  @Test
  void otherToolsOfTheServerShowNothing() {
    ObjectNode request =
        request(
            "[[script calls='fetch_url {\"url\": \"http://127.0.0.1:1/\"}']]",
            "{\"type\":\"web_fetch_20250910\",\"name\":\"web_fetch\",\"max_uses\":3}");

    ObjectNode message = collated(chats.stream(request));

    assertThat(types(message.path("content"))).containsExactly("text");
    assertThat(message.at("/content/0/text").asText()).startsWith("The tool said:");
    assertThat(message.path("usage").has("server_tool_use")).isFalse();
  }

  @Wire("12.search")
  @Test
  void whatTheServerFoundIsRememberedForTheResultsOfTheClientsTools() {
    ObjectNode request =
        request(
            "[[script calls='web_search {\"query\": \"camels\"} | get_weather {\"location\": \"Paris\"}']]",
            SEARCH,
            WEATHER);
    JsonNode content = collated(chats.stream(request)).path("content");
    assertThat(types(content))
        .containsExactly("server_tool_use", "web_search_tool_result", "tool_use");
    request.withArray("messages").addObject().put("role", "assistant").set("content", content);
    request
        .withArray("messages")
        .addObject()
        .put("role", "user")
        .putArray("content")
        .addObject()
        .put("type", "tool_result")
        .put("tool_use_id", content.at("/2/id").asText())
        .put("content", "sunny");

    JsonNode messages = chats.askedFor(request).path("messages");

    assertThat(messages).hasSize(5);
    assertThat(messages.at("/2/content").asText()).contains(ToolChats.SEARCH_ADDRESS);
    assertThat(messages.at("/4/content").asText()).isEqualTo("sunny");
  }

  @Wire("12.error")
  @ParameterizedTest
  @CsvSource({
    "status=400, 400, invalid_request_error",
    "status=401, 502, api_error",
    "status=404, 404, not_found_error",
    "status=413, 413, request_too_large",
    "status=422, 422, invalid_request_error",
    "status=429, 429, rate_limit_error",
    "status=500, 502, api_error",
    "status=504, 504, timeout_error",
    "hangup=1,   502, api_error"
  })
  void failuresBeforeTheAnswerAreAStatus(String script, int status, String type) {
    for (boolean stream : new boolean[] {true, false}) {
      JsonNode error =
          chats.refused(request("[[script " + script + "]]").put("stream", stream), status);

      assertThat(error.path("type").asText()).isEqualTo(type);
      assertThat(error.path("message").asText()).isNotEmpty();
    }
  }

  @Wire("12.error")
  @Test
  void aPromptThatIsTooLongIsSaidInTheWordsThatClaudeCodeKnows() {
    JsonNode error =
        chats.refused(request("[[script status=400 code=context_length_exceeded]]"), 400);

    assertThat(error.path("message").asText()).startsWith("prompt is too long: ");
  }

  @Wire({"12.failed", "12.stream"})
  @ParameterizedTest
  @ValueSource(strings = {"cut=2", "end=2", "error=2", "garbage=2"})
  void aFailureInTheMiddleIsTheLastEventAndLeavesItsBlockOpen(String mishap) {
    List<Event> events = chats.stream(request("[[script chunks=5 " + mishap + "]]"));

    assertThat(names(events))
        .containsExactly(
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "error");
    assertThat(events.getLast().json().at("/error/type").asText()).isEqualTo("api_error");
    assertThat(events.getLast().json().at("/error/message").asText()).isNotEmpty();
    assertThat(chats.post(request("[[script chunks=5 " + mishap + "]]")).statusCode())
        .isEqualTo(502);
  }

  @Wire("12.ping")
  @Test
  void silentStreamsGetPings() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.post(
          MessageChats.PATH,
          key,
          Json.text(request("[[script chunks=2 hold=1]]").put("stream", true)));
      client.readUntil("word1");

      assertThat(client.readUntil("event: ping\ndata: {\"type\":\"ping\"}\n\n"))
          .doesNotContain("word2");
      gateway.provider().release();
      assertThat(client.readUntil("message_stop")).contains("word2");
    }
  }

  @Wire("12.ping")
  @Test
  void nothingBeginsAStreamBeforeTheProviderAnswers() {
    JsonNode error =
        chats.refused(request("[[script ttft=7000 status=500]]").put("stream", true), 502);

    assertThat(error.path("type").asText()).isEqualTo("api_error");
  }

  @Wire("12.stream")
  @Test
  void aClientThatLeavesCancelsTheProvider() throws IOException {
    int before = gateway.provider().cancelled();
    try (RawConnection client = gateway.connect()) {
      client.post(
          MessageChats.PATH,
          key,
          Json.text(request("[[script chunks=1000 gap=20]]").put("stream", true)));
      client.readUntil("word3");
    }

    Awaitility.await().until(() -> gateway.provider().cancelled() > before);
    UsageRecord row = gateway.awaitRecord(record -> record.status() == Status.CANCELLED);
    assertThat(row.model()).isEqualTo("openai/scripted");
  }

  @Wire("12.key")
  @Test
  void theKeyIsInXApiKeyOrInAuthorization() {
    for (String[] header :
        new String[][] {{"x-api-key", key}, {"Authorization", "Bearer " + key}}) {
      HttpRequest.Builder list = gateway.request("/v1/models", null).header(header[0], header[1]);
      assertThat(gateway.send(list.GET().build()).statusCode()).isEqualTo(200);
      HttpRequest.Builder ask =
          gateway.request(MessageChats.PATH + "?beta=true", null).header(header[0], header[1]);
      assertThat(
              gateway
                  .send(
                      ask.POST(HttpRequest.BodyPublishers.ofString(Json.text(request("hi"))))
                          .build())
                  .statusCode())
          .isEqualTo(200);
    }
    HttpRequest both =
        gateway
            .request(MessageChats.PATH, "sk-wrong")
            .header("x-api-key", key)
            .POST(HttpRequest.BodyPublishers.ofString(Json.text(request("hi"))))
            .build();
    assertThat(gateway.send(both).statusCode()).isEqualTo(401);
  }

  @Wire("2.models")
  @Test
  void theListOfModelsHasTheFieldsOfBothApis() {
    JsonNode list = Gateway.json(gateway.get("/v1/models?limit=1000", key));

    assertThat(list.path("object").asText()).isEqualTo("list");
    assertThat(list.path("has_more").isBoolean()).isTrue();
    assertThat(list.path("first_id")).isEqualTo(list.at("/data/0/id"));
    assertThat(list.path("last_id"))
        .isEqualTo(list.path("data").path(list.path("data").size() - 1).path("id"));
    assertThat(list.path("data"))
        .isNotEmpty()
        .allSatisfy(model -> {
          assertThat(model.path("object").asText()).isEqualTo("model");
          assertThat(model.path("type").asText()).isEqualTo("model");
          assertThat(model.path("display_name").asText()).isNotEmpty();
          assertThat(Instant.parse(model.path("created_at").asText()).getEpochSecond())
              .isEqualTo(model.path("created").asLong());
        });
    JsonNode one = Gateway.json(gateway.get("/v1/models/openai/gpt-4o", key));
    assertThat(one.path("created_at").asText()).isEqualTo("2024-05-13T00:00:00Z");
    assertThat(one.path("display_name").asText()).isEqualTo("GPT-4o");
  }

  @Wire({"12.key", "12.error", "12.id"})
  @ParameterizedTest
  @CsvSource({
    "POST, /v1/messages,              none, 401, authentication_error",
    "POST, /v1/messages,              sk-x, 401, authentication_error",
    "GET,  /v1/messages,              key,  405, invalid_request_error",
    "POST, /v1/messages/count_tokens, none, 401, authentication_error",
    "POST, /v1/messages/batches,      key,  404, not_found_error"
  })
  void errorsOutsideOfAChatHaveTheSameForm(
      String method, String path, String sent, int status, String type) {
    HttpRequest.Builder request = gateway.request(path, null);
    if (!sent.equals("none")) {
      request.header("x-api-key", sent.equals("key") ? key : sent);
    }
    HttpResponse<String> response =
        gateway.send(
            request
                .method(
                    method,
                    method.equals("GET")
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(Json.text(request("hi"))))
                .build());

    JsonNode body = Gateway.json(response);
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(body.path("type").asText()).isEqualTo("error");
    assertThat(body.at("/error/type").asText()).isEqualTo(type);
    assertThat(response.headers().firstValue("request-id"))
        .hasValue(body.path("request_id").asText())
        .isEqualTo(response.headers().firstValue("x-request-id"));
  }

  @Wire("12.error")
  @Test
  void theLimitOfRequestsIsARateLimitError() {
    MessageChats limited = new MessageChats(gateway, gateway.createKey("one@example.com", "one"));
    limited.whole(request("hi"));

    HttpResponse<String> refused = limited.post(request("hi"));

    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(Gateway.json(refused).at("/error/type").asText()).isEqualTo("rate_limit_error");
    assertThat(refused.headers().firstValue("retry-after")).isPresent();
    assertThat(limited.post(MessageChats.PATH + "/count_tokens", request("hi")).statusCode())
        .isEqualTo(200);
  }

  @Wire("12.id")
  @Test
  void requestsAreRecordedUnderTheIdOfTheirAnswer() {
    HttpResponse<String> response = chats.post(request("[[script chunks=4]]"));

    String id = response.headers().firstValue("request-id").orElseThrow();
    UsageRecord row = gateway.awaitRecord(record -> record.requestId().equals(id));
    assertThat(row.status()).isEqualTo(Status.SUCCESS);
    assertThat(row.tokensOut()).isEqualTo(4);
  }

  @Wire("12.count")
  @Test
  void countingAsksNoProviderAndLeavesNoRecord() {
    chats.whole(request("[[script chunks=5]]"));
    gateway.awaitRecord(record -> record.tokensOut() == 5);
    int asked = gateway.provider().requests().size();
    int rows = gateway.application().ledger().after(0, 10_000).size();
    ObjectNode request = request("a".repeat(3500 - 4));
    request.remove("max_tokens");

    HttpResponse<String> counted = chats.post(MessageChats.PATH + "/count_tokens", request);

    assertThat(counted.statusCode()).isEqualTo(200);
    assertThat(Gateway.json(counted)).isEqualTo(ToolChats.json("{\"input_tokens\":1000}"));
    assertThat(gateway.provider().requests()).hasSize(asked);
    assertThat(gateway.application().ledger().after(0, 10_000)).hasSize(rows);
  }

  @Wire("12.count")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"system\":\"%s\"}",
        "{\"system\":[{\"type\":\"text\",\"text\":\"%s\"}]}",
        "{\"tools\":[{\"name\":\"f\",\"description\":\"%s\",\"input_schema\":{\"type\":\"object\"}}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"f\",\"input\":{\"a\":\"%s\"}}]}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"1\",\"content\":\"%s\"}]}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"%s\",\"signature\":\"x\"},{\"type\":\"text\",\"text\":\"a\"}]}]}"
      })
  void everythingIsCounted(String fields) {
    long difference =
        count(fields.formatted("x".repeat(7000))) - count(fields.formatted("x".repeat(3500)));

    assertThat(difference).isBetween(999L, 1001L);
  }

  @Wire("12.count")
  @Test
  void anImageCountsSixteenHundredTokens() {
    String image =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"}%s]}]}";
    String block =
        ",{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}";

    assertThat(count(image.formatted(block)) - count(image.formatted(""))).isEqualTo(1600);
  }

  /** The types of content blocks. */
  private static List<String> types(JsonNode content) {
    return content.valueStream().map(block -> block.path("type").asText()).toList();
  }

  private static long count(String fields) {
    ObjectNode request = request("x");
    request.setAll((ObjectNode) ToolChats.json(fields));
    HttpResponse<String> counted = chats.post(MessageChats.PATH + "/count_tokens", request);
    assertThat(counted.statusCode()).as(counted.body()).isEqualTo(200);
    return Gateway.json(counted).path("input_tokens").asLong();
  }
}
