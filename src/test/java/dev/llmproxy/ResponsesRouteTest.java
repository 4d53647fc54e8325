package dev.llmproxy;

import static dev.llmproxy.Responses.items;
import static dev.llmproxy.Responses.json;
import static dev.llmproxy.Responses.request;
import static dev.llmproxy.Responses.text;
import static dev.llmproxy.Responses.types;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
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

/** POST /v1/responses over HTTP: answers, streams and failures. */
class ResponsesRouteTest {
  private static final String WEATHER =
      """
      {"type":"function","name":"get_weather","parameters":{"type":"object","properties":{"location":{"type":"string"}}}}\
      """;

  private static Gateway gateway;
  private static String key;
  private static Responses responses;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway =
        Gateway.start(
            data, Map.of("PROVIDER_SILENCE_SECONDS", "8", "STREAM_KEEPALIVE_SECONDS", "5"));
    key = gateway.createKey("responses@example.com");
    responses = new Responses(gateway, key);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire("11.whole")
  @Test
  void wholeResponsesHaveTheItemsUsageAndTheFieldsOfTheRequest() {
    JsonNode response =
        responses.whole(
            json(
                """
                {"input":"[[script chunks=3]]","instructions":"Be brief.","temperature":0.5,"metadata":{"a":"b"},
                 "reasoning":{"effort":"low"},"max_output_tokens":50,"tools":[%s]}\
                """
                    .formatted(WEATHER)));

    assertThat(response.path("id").asText()).startsWith("resp_");
    assertThat(response.path("object").asText()).isEqualTo("response");
    assertThat(response.path("created_at").isIntegralNumber()).isTrue();
    assertThat(response.path("completed_at").isIntegralNumber()).isTrue();
    assertThat(response.path("status").asText()).isEqualTo("completed");
    assertThat(response.path("error").isNull()).isTrue();
    assertThat(response.path("incomplete_details").isNull()).isTrue();
    assertThat(response.path("model").asText()).isEqualTo(Responses.MODEL);
    assertThat(response.path("output")).hasSize(1);
    JsonNode message = response.at("/output/0");
    assertThat(message.path("id").asText()).startsWith("msg_");
    assertThat(message.path("role").asText()).isEqualTo("assistant");
    assertThat(message.path("status").asText()).isEqualTo("completed");
    assertThat(message.path("content"))
        .isEqualTo(
            ToolChats.json(
                """
                [{"type":"output_text","text":"word1 word2 word3","annotations":[],"logprobs":[]}]\
                """));
    JsonNode usage = response.path("usage");
    assertThat(usage.path("output_tokens").asInt()).isEqualTo(3);
    assertThat(usage.path("input_tokens").asInt() + 3)
        .isEqualTo(usage.path("total_tokens").asInt());
    assertThat(usage.at("/input_tokens_details/cached_tokens").isIntegralNumber()).isTrue();
    assertThat(usage.at("/output_tokens_details/reasoning_tokens").isIntegralNumber()).isTrue();
    assertThat(response.path("instructions").asText()).isEqualTo("Be brief.");
    assertThat(response.path("temperature").asDouble()).isEqualTo(0.5);
    assertThat(response.at("/metadata/a").asText()).isEqualTo("b");
    assertThat(response.at("/reasoning/effort").asText()).isEqualTo("low");
    assertThat(response.path("max_output_tokens").asInt()).isEqualTo(50);
    assertThat(response.at("/tools/0/name").asText()).isEqualTo("get_weather");
    assertThat(response.path("tool_choice").asText()).isEqualTo("auto");
    assertThat(response.path("parallel_tool_calls").asBoolean()).isTrue();
    assertThat(response.at("/text/format/type").asText()).isEqualTo("text");
    assertThat(response.path("truncation").asText()).isEqualTo("disabled");
    assertThat(response.path("store").asBoolean()).isTrue();
    assertThat(response.has("previous_response_id")).isTrue();
  }

  @Wire({"11.stream", "11.message"})
  @Test
  void streamsHaveTheEventsOfOneMessageInOrder() {
    HttpResponse<String> answer =
        responses.post(request("[[script chunks=2]]").put("stream", true));

    assertThat(answer.headers().firstValue("content-type"))
        .hasValue("text/event-stream; charset=utf-8");
    List<JsonNode> events = Responses.events(answer.body());
    assertThat(types(events))
        .containsExactly(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed");
    assertThat(events.get(2).at("/item/status").asText()).isEqualTo("in_progress");
    assertThat(events.get(2).at("/item/content")).isEmpty();
    assertThat(events.get(3).at("/part/text").textValue()).isEmpty();
    assertThat(events.get(4).path("logprobs").isArray()).isTrue();
    assertThat(events.get(4).path("content_index").asInt()).isZero();
    JsonNode response = Responses.collected(events);
    assertThat(text(response)).isEqualTo("word1 word2");
    assertThat(response.at("/usage/output_tokens").asInt()).isEqualTo(2);
  }

  @Wire({"11.same", "11.one"})
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "tools=1",
        "tools=3",
        "tools=2 say=Look",
        "reasoning=1",
        "reasoning=1 tools=2",
        "groq=1",
        "bare=1 tools=2",
        "fields=1",
        "crlf=1",
        "split=1 utf8=1",
        "finish=eos",
        "finish=length",
        "finish=content_filter",
        "n=3"
      })
  void streamsAndWholeResponsesCarryTheSame(String habit) {
    ObjectNode request = request("hi [[script " + habit + "]]");
    request.putObject("reasoning").put("summary", "auto");

    JsonNode streamed = responses.streamed(request);
    JsonNode whole = responses.whole(request);

    assertThat(comparable(streamed)).isEqualTo(comparable(whole));
    assertThat(whole.path("output")).isNotEmpty();
  }

  private static JsonNode comparable(JsonNode response) {
    ObjectNode comparable = response.deepCopy();
    comparable.remove(List.of("id", "created_at", "completed_at"));
    for (JsonNode item : comparable.path("output")) {
      ((ObjectNode) item).remove("id");
    }
    return comparable;
  }

  @Wire("11.calls")
  @Test
  void parallelCallsAreItemsOneAfterTheOther() {
    List<JsonNode> events =
        responses.stream(
            json("{\"input\":\"[[script tools=2]]\",\"tools\":[%s]}".formatted(WEATHER)));

    JsonNode response = Responses.collected(events);
    List<JsonNode> calls = items(response, "function_call");
    assertThat(calls).hasSize(2);
    assertThat(calls.getFirst().path("id").asText()).startsWith("fc_");
    assertThat(calls.getFirst().path("call_id").asText()).isEqualTo("call_scripted_0");
    assertThat(calls.getFirst().path("name").asText()).isEqualTo("get_weather");
    assertThat(calls.getFirst().path("arguments").asText()).contains("Paris");
    assertThat(types(events))
        .containsSubsequence(
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.output_item.added");
    JsonNode done =
        events.stream()
            .filter(event -> Responses.type(event).equals("response.function_call_arguments.done"))
            .findFirst()
            .orElseThrow();
    assertThat(done.path("name").asText()).isEqualTo("get_weather");
    assertThat(response.path("status").asText()).isEqualTo("completed");
    assertThat(items(response, "message")).isEmpty();
  }

  @Wire("11.callid")
  @ParameterizedTest
  @ValueSource(strings = {"none", "same"})
  void emptyAndRepeatedCallIdsAreMadeNew(String ids) {
    JsonNode response = responses.streamed(request("[[script tools=3 ids=" + ids + "]]"));

    assertThat(items(response, "function_call"))
        .hasSize(3)
        .extracting(call -> call.path("call_id").asText())
        .doesNotHaveDuplicates()
        .doesNotContain("");
  }

  @Wire("11.reasoning")
  @Test
  void thoughtsAreShownAsASummaryOnlyIfTheRequestHasOne() {
    ObjectNode asking = request("hi [[script reasoning=1]]");
    asking.putObject("reasoning").put("summary", "auto");
    List<JsonNode> events = responses.stream(asking);

    JsonNode response = Responses.collected(events);
    assertThat(Responses.itemTypes(response)).containsExactly("reasoning", "message");
    JsonNode reasoning = response.at("/output/0");
    assertThat(reasoning.path("id").asText()).startsWith("rs_");
    assertThat(reasoning.path("summary"))
        .isEqualTo(ToolChats.json("[{\"type\":\"summary_text\",\"text\":\"Let me think.\"}]"));
    assertThat(reasoning.has("encrypted_content")).isFalse();
    assertThat(types(events))
        .containsSubsequence(
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done");

    JsonNode silent = responses.streamed(request("hi [[script reasoning=1]]"));
    assertThat(Responses.itemTypes(silent)).containsExactly("message");
    assertThat(silent.toString()).doesNotContain("Let me think");
  }

  @Wire("11.sealed")
  @Test
  void sealedThoughtsComeBackToTheProviderWithTheNextTurn() {
    ObjectNode first = request("hi [[script reasoning=1 tools=1]]");
    first.putArray("include").add("reasoning.encrypted_content");
    first.put("store", false);
    JsonNode response = responses.streamed(first);

    JsonNode reasoning = items(response, "reasoning").getFirst();
    assertThat(reasoning.path("summary")).isEmpty();
    assertThat(reasoning.path("encrypted_content").asText()).isNotEmpty();
    assertThat(response.toString()).doesNotContain("Let me think");

    ObjectNode next = next(response);
    responses.whole(next);
    assertThat(responses.messages().at("/1/reasoning_content").asText()).isEqualTo("Let me think.");
    assertThat(responses.messages().at("/1/tool_calls")).hasSize(1);

    Responses another = new Responses(gateway, gateway.createKey("another@example.com"));
    another.whole(next);
    assertThat(another.messages().toString()).doesNotContain("Let me think");
  }

  /** The same conversation with the response's items, and a result of its call. */
  private static ObjectNode next(JsonNode response) {
    ObjectNode next = Json.object().put("model", Responses.MODEL).put("store", false);
    var input = next.putArray("input");
    input.addObject().put("role", "user").put("content", "hi");
    response.path("output").forEach(input::add);
    input
        .addObject()
        .put("type", "function_call_output")
        .put("call_id", items(response, "function_call").getFirst().path("call_id").asText())
        .put("output", "sunny");
    return next;
  }

  @Wire("11.incomplete")
  @ParameterizedTest
  @CsvSource({"length, max_output_tokens", "content_filter, content_filter"})
  void cutAnswersAreIncomplete(String finish, String reason) {
    ObjectNode request = request("[[script chunks=2 finish=" + finish + "]]");
    List<JsonNode> events = responses.stream(request);

    JsonNode response = Responses.collected(events);
    assertThat(Responses.type(events.getLast())).isEqualTo("response.incomplete");
    assertThat(response.path("status").asText()).isEqualTo("incomplete");
    assertThat(response.at("/incomplete_details/reason").asText()).isEqualTo(reason);
    assertThat(response.at("/output/0/status").asText()).isEqualTo("incomplete");
    assertThat(responses.whole(request).path("status").asText()).isEqualTo("incomplete");
  }

  @Wire("11.failed")
  @ParameterizedTest
  @CsvSource({
    "cut=2, upstream_error",
    "end=2, upstream_error",
    "error=2, upstream_error",
    "garbage=2, upstream_error",
    "silent=2, upstream_timeout"
  })
  void aFailureInTheMiddleIsTheLastEventWithTheErrorInBothPlaces(String mishap, String code) {
    HttpResponse<String> answer =
        responses.post(request("[[script chunks=5 " + mishap + "]]").put("stream", true));

    assertThat(answer.statusCode()).isEqualTo(200);
    List<JsonNode> events = Responses.events(answer.body());
    JsonNode last = events.getLast();
    assertThat(Responses.type(last)).isEqualTo("response.failed");
    assertThat(last.at("/response/status").asText()).isEqualTo("failed");
    assertThat(last.at("/response/error/code").asText()).isEqualTo(code);
    assertThat(last.at("/response/error/message").asText()).isNotEmpty();
    assertThat(last.at("/error/message")).isEqualTo(last.at("/response/error/message"));
    assertThat(last.path("error").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("type", "code", "message", "param");
    assertThat(types(events).subList(0, events.size() - 1))
        .contains("response.output_text.delta")
        .doesNotContain("response.completed", "response.failed", "error");
  }

  @Wire("11.before")
  @ParameterizedTest
  @CsvSource({
    "'[[script status=400 code=bad_thing]]', 400, bad_thing",
    "'[[script status=500]]', 503, server_is_overloaded",
    "'[[script hangup=1]]', 503, server_is_overloaded",
    "'[[script chunks=5 cut=0]]', 503, server_is_overloaded"
  })
  void aFailureBeforeTheFirstEventIsAnHttpStatus(String script, int status, String code) {
    for (boolean stream : new boolean[] {true, false}) {
      HttpResponse<String> answer = responses.post(request(script).put("stream", stream));

      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
      assertThat(Gateway.json(answer).at("/error/code").asText()).isEqualTo(code);
      if (status == 503) {
        assertThat(answer.headers().firstValue("x-should-retry")).hasValue("false");
      }
    }
  }

  @Wire("11.before")
  @Test
  void anUnknownModelIsA400() {
    JsonNode error =
        responses.refused(400, json("{\"model\":\"nobody/nothing\",\"input\":\"hi\"}"));

    assertThat(error.path("code").asText()).isEqualTo("model_not_found");
  }

  @Wire("11.keepalive")
  @Test
  void silentStreamsGetKeepaliveEventsWithTheNextNumber() throws IOException {
    try (RawConnection client = gateway.connect()) {
      String body = Json.text(request("[[script chunks=3 hold=2]]").put("stream", true));
      client.write(RawConnection.request(Responses.PATH, key, body));
      String before = client.readUntil("event: keepalive\ndata: ");
      String ping = client.readUntil("\n\n");
      gateway.provider().release();
      String rest = client.readUntil("response.completed");

      assertThat(before).contains("event: response.created");
      assertThat(ToolChats.json(ping.strip()).path("type").asText()).isEqualTo("keepalive");
      assertThat(ToolChats.json(ping.strip()).path("sequence_number").asInt()).isEqualTo(6);
      assertThat(rest).contains("\"sequence_number\":7");
    }
  }

  @Wire("11.keepalive")
  @Test
  void nothingIsSentBeforeTheProvidersFirstEvent() {
    // Longer than the time after which a stream gets an event.
    HttpResponse<String> answer =
        responses.post(
            request("[[script ttft=6500 status=400 code=bad_thing]]").put("stream", true));

    assertThat(answer.statusCode()).isEqualTo(400);
  }

  @Test
  void aClientThatLeavesCancelsTheProvidersAnswer() throws IOException {
    int before = gateway.provider().cancelled();
    try (RawConnection client = gateway.connect()) {
      String body = Json.text(request("[[script chunks=3 hold=2]]").put("stream", true));
      client.write(RawConnection.request(Responses.PATH, key, body));
      client.readUntil("word2");
    }

    Awaitility.await().until(() -> gateway.provider().cancelled() > before);
    assertThat(gateway.awaitRecord(record -> record.status() == Status.CANCELLED).email())
        .isEqualTo("responses@example.com");
  }

  @Wire("11.socket")
  @Test
  void aWebSocketIsRefusedWith426AndTheConnectionCloses() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(
          String.join(
              "\r\n",
              "GET /v1/responses HTTP/1.1",
              "Host: x",
              "Connection: Upgrade",
              "Upgrade: websocket",
              "Sec-WebSocket-Version: 13",
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
              "",
              ""));
      String answer = client.readAll();

      assertThat(answer).startsWith("HTTP/1.1 426 ").containsIgnoringCase("connection: close");
      assertThat(answer).contains("\"code\":\"websocket_not_supported\"");
    }
    assertThat(gateway.get(Responses.PATH, key).statusCode()).isEqualTo(405);
    assertThat(gateway.post(Responses.PATH + "/compact", key, "{}").statusCode()).isEqualTo(404);
  }

  @Wire("11.absent")
  @Test
  void conversationsAreNotFound() {
    assertThat(gateway.post("/v1/conversations", key, "{}").statusCode()).isEqualTo(404);
  }

  @Wire("11.tokens")
  @Test
  void inputTokensAreCountedWithoutAProvider() {
    int asked = responses.requests().size();
    HttpResponse<String> small = count("hi", "");
    HttpResponse<String> large = count("hi ".repeat(500), WEATHER);

    assertThat(small.statusCode()).as(small.body()).isEqualTo(200);
    assertThat(Gateway.json(small).path("object").asText()).isEqualTo("response.input_tokens");
    assertThat(Gateway.json(small).path("input_tokens").asInt()).isPositive();
    assertThat(Gateway.json(large).path("input_tokens").asInt()).isGreaterThan(400);
    assertThat(responses.requests()).hasSize(asked);
  }

  private static HttpResponse<String> count(String text, String tool) {
    ObjectNode request = json("{\"tools\":[%s]}".formatted(tool)).put("input", text);
    return gateway.post(Responses.PATH + "/input_tokens", key, Json.text(request));
  }

  @Wire("11.logprobs")
  @Test
  void logProbabilitiesComeWithTheTextIfTheRequestAsksForThem() {
    ObjectNode request = request("[[script chunks=2 logprobs=1]]").put("top_logprobs", 1);
    JsonNode streamed = responses.streamed(request);

    assertThat(responses.asked().path("logprobs").asBoolean()).isTrue();
    assertThat(responses.asked().path("top_logprobs").asInt()).isEqualTo(1);
    assertThat(streamed.at("/output/0/content/0/logprobs/0/logprob").asDouble()).isEqualTo(-0.5);
    assertThat(responses.whole(request).at("/output/0/content/0/logprobs")).hasSize(1);
  }
}
