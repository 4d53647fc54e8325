package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests of the Responses format to a provider that speaks it: they go through as they are. */
class NativeResponsesRouteTest {
  private static final String REQUEST =
      """
      {"model":"own/gpt-x","stream":true,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"xhigh"},
       "prompt_cache_key":"k","client_metadata":{"session":"s"},"future_field":{"a":[1]},
       "tools":[{"type":"tool_search"},{"type":"custom","name":"apply_patch","format":{"type":"grammar"}}],
       "input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hello"}]},
                {"type":"reasoning","id":"rs_old","summary":[],"encrypted_content":"gAAA-of-the-provider"},
                {"type":"reasoning","id":"rs_bare","summary":[]}]}\
      """;

  private static PlayedProvider provider;
  private static Gateway gateway;
  private static String key;
  private static Responses responses;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    provider = PlayedProvider.start();
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("providers/own.yaml"), "format: openai\nresponses: native\n");
    gateway =
        Gateway.startAt(home, folder.resolve("data"), Map.of("OWN_BASE_URL", provider.baseUrl()));
    key = gateway.createKey("native@example.com");
    responses = new Responses(gateway, key);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
  }

  private static void plays(String contentType, String body) {
    plays(200, contentType, body);
  }

  private static void plays(int status, String contentType, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            .formatted(status, contentType, bytes.length);
    provider.play(List.of((head + body).getBytes(StandardCharsets.UTF_8)));
  }

  private static String event(String type, String fields) {
    return "event: %s\ndata: {\"type\":\"%s\",%s}\n\n".formatted(type, type, fields);
  }

  private static String response(String id, String status, String output, String usage) {
    return "{\"id\":\"%s\",\"object\":\"response\",\"created_at\":1,\"status\":\"%s\",\"model\":\"gpt-x-2026\",\"future\":7,\"output\":%s,\"usage\":%s}"
        .formatted(id, status, output, usage);
  }

  private static String message(String id, String text) {
    return "{\"id\":\"%s\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"%s\",\"annotations\":[]}]}"
        .formatted(id, text);
  }

  private static final String USAGE =
      "{\"input_tokens\":12,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":5,\"output_tokens_details\":{\"reasoning_tokens\":2},\"total_tokens\":17}";

  private static String stream(String end) {
    return event(
            "response.created",
            "\"sequence_number\":0,\"response\":"
                + response("resp_up", "in_progress", "[]", "null"))
        + event(
            "response.output_item.added",
            "\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"rs_up\",\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gAAA\"}")
        + event(
            "response.output_item.done",
            "\"sequence_number\":2,\"output_index\":0,\"item\":{\"id\":\"rs_up\",\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gAAA\"}")
        + event(
            "response.future_event", "\"sequence_number\":3,\"item_id\":\"rs_up\",\"news\":true")
        + event(
            "response.output_text.delta",
            "\"sequence_number\":4,\"item_id\":\"msg_up\",\"output_index\":1,\"content_index\":0,\"delta\":\"Hi\",\"obfuscation\":\"xx\"")
        + end;
  }

  private static String whole(String text) {
    return response(
        "resp_up",
        "completed",
        "[{\"id\":\"rs_up\",\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gAAA\"},"
            + message("msg_up", text)
            + "]",
        USAGE);
  }

  private static String completed(String text) {
    return event("response.completed", "\"sequence_number\":5,\"response\":" + whole(text));
  }

  @Wire("11.native")
  @Test
  void request_goesThroughWithItsUnknownFields() throws IOException {
    plays("text/event-stream", stream(completed("Hi")));
    HttpResponse<String> answer = responses.post((ObjectNode) ToolChats.json(REQUEST));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-llmproxy-dropped")).isEmpty();
    ObjectNode sent = (ObjectNode) Json.parse(provider.lastBody());
    ObjectNode expected = ((ObjectNode) ToolChats.json(REQUEST)).deepCopy();
    expected.put("model", "gpt-x").put("store", false);
    ((com.fasterxml.jackson.databind.node.ArrayNode) expected.path("input")).remove(2);
    assertThat(sent).isEqualTo(expected);
  }

  @Wire("11.native")
  @Test
  void toolsThatTheProviderRuns_goThrough() throws IOException {
    plays("text/event-stream", stream(completed("Hi")));
    ObjectNode request = (ObjectNode) ToolChats.json(REQUEST);
    JsonNode tools =
        ToolChats.json(
            """
            [{"type":"mcp","server_label":"docs","server_url":"https://mcp.example.com"},
             {"type":"code_interpreter","container":{"type":"auto"}},{"type":"computer_use_preview"}]\
            """);
    request.set("tools", tools);
    request.set("tool_choice", ToolChats.json("{\"type\":\"mcp\",\"server_label\":\"docs\"}"));

    HttpResponse<String> answer = responses.post(request);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    JsonNode sent = Json.parse(provider.lastBody());
    assertThat(sent.path("tools")).isEqualTo(tools);
    assertThat(sent.path("tool_choice")).isEqualTo(request.path("tool_choice"));
  }

  @Wire("11.native")
  @Test
  void searchInTheFilesOfTheAccount_isRefused() {
    ObjectNode request = (ObjectNode) ToolChats.json(REQUEST);
    request.set(
        "tools", ToolChats.json("[{\"type\":\"file_search\",\"vector_store_ids\":[\"vs_1\"]}]"));

    HttpResponse<String> answer = responses.post(request);

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(ToolChats.json(answer.body()).at("/error/code").asText())
        .isEqualTo("unsupported_tool");
  }

  @Wire("11.native")
  @Test
  void stream_goesThroughWithTheIdsAndTheModelOfThisServer() {
    plays("text/event-stream", stream(completed("Hi")));
    HttpResponse<String> answer = responses.post((ObjectNode) ToolChats.json(REQUEST));
    List<JsonNode> events = Responses.events(answer.body());
    assertThat(Responses.types(events))
        .containsExactly(
            "response.created",
            "response.output_item.added",
            "response.output_item.done",
            "response.future_event",
            "response.output_text.delta",
            "response.completed");
    JsonNode last = events.getLast().path("response");
    String id = last.path("id").asText();
    assertThat(id).startsWith("resp_").isNotEqualTo("resp_up");
    assertThat(events.getFirst().at("/response/id").asText()).isEqualTo(id);
    assertThat(last.path("model").asText()).isEqualTo("own/gpt-x");
    assertThat(last.path("future").asInt()).isEqualTo(7);
    assertThat(events.get(1).at("/item/encrypted_content").asText()).isEqualTo("gAAA");
    assertThat(events.get(3).path("news").asBoolean()).isTrue();
    assertThat(events.get(3).path("item_id"))
        .isEqualTo(events.get(1).at("/item/id"))
        .isEqualTo(last.at("/output/0/id"));
    assertThat(events.get(4).path("item_id")).isEqualTo(last.at("/output/1/id"));
    assertThat(events.get(4).path("obfuscation").asText()).isEqualTo("xx");
    UsageRecord row = record(answer);
    assertThat(row.status()).isEqualTo(Status.SUCCESS);
    assertThat(row.tokensIn()).isEqualTo(12);
    assertThat(row.tokensOut()).isEqualTo(5);
  }

  @Wire("11.native")
  @Test
  void wholeResponse_isRememberedForTheNextTurn() throws IOException {
    plays("application/json", whole("Blue."));
    ObjectNode request = (ObjectNode) ToolChats.json(REQUEST);
    request.remove(List.of("stream", "tools"));
    JsonNode first = responses.whole(request);
    assertThat(Responses.text(first)).isEqualTo("Blue.");
    assertThat(first.path("model").asText()).isEqualTo("own/gpt-x");

    plays("application/json", whole("Green."));
    ObjectNode next =
        Responses.request("And now?")
            .put("model", "own/gpt-x")
            .put("previous_response_id", first.path("id").asText());
    JsonNode second = responses.whole(next);
    assertThat(second.path("previous_response_id")).isEqualTo(first.path("id"));
    JsonNode sent = Json.parse(provider.lastBody());
    assertThat(sent.has("previous_response_id")).isFalse();
    assertThat(sent.path("input").findValuesAsText("type"))
        .containsExactly(
            "message",
            "input_text",
            "reasoning",
            "reasoning",
            "message",
            "output_text",
            "message",
            "input_text");
    assertThat(sent.at("/input/2/encrypted_content").asText()).isEqualTo("gAAA");
    assertThat(sent.at("/input/3/content/0/text").asText()).isEqualTo("Blue.");

    ObjectNode reference = Responses.json("{\"model\":\"own/gpt-x\"}");
    reference
        .putArray("input")
        .addObject()
        .put("type", "item_reference")
        .set("id", first.at("/output/1/id"));
    responses.whole(reference);
    assertThat(Json.parse(provider.lastBody()).at("/input/0/content/0/text").asText())
        .isEqualTo("Blue.");
  }

  @Wire("11.native")
  @Test
  void failure_endsTheStreamWithOneEvent_andIsRecorded() {
    for (String end :
        List.of(
            event(
                "response.failed",
                "\"sequence_number\":5,\"response\":{\"id\":\"resp_up\",\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"Boom\"}}"),
            event("error", "\"code\":\"server_error\",\"message\":\"Boom\",\"param\":null"),
            "")) {
      plays("text/event-stream", stream(end));
      HttpResponse<String> answer = responses.post((ObjectNode) ToolChats.json(REQUEST));
      List<JsonNode> events = Responses.events(answer.body());
      JsonNode last = events.getLast();
      assertThat(Responses.type(last)).isEqualTo("response.failed");
      assertThat(events).hasSize(6);
      assertThat(last.at("/error/message")).isEqualTo(last.at("/response/error/message"));
      assertThat(last.at("/response/id")).isEqualTo(events.getFirst().at("/response/id"));
      assertThat(last.at("/error/message").asText())
          .contains(end.isEmpty() ? "own" : "Boom")
          .doesNotContain("provider-secret");
      assertThat(record(answer).status()).isEqualTo(Status.ERROR);
    }
  }

  @Test
  void refusal_keepsTheProvidersMessage() {
    plays(
        400,
        "application/json",
        "{\"error\":{\"message\":\"Unknown parameter: 'future_field'.\",\"type\":\"invalid_request_error\",\"param\":\"future_field\",\"code\":\"unknown_parameter\"}}");
    JsonNode error = responses.refused(400, (ObjectNode) ToolChats.json(REQUEST));
    assertThat(error.path("message").asText()).isEqualTo("Unknown parameter: 'future_field'.");
    assertThat(error.path("param").asText()).isEqualTo("future_field");
  }

  @Test
  void anotherFormat_isAnsweredByChatsOfTheSameProvider() {
    plays(
        "application/json",
        "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}");
    assertThat(gateway.chat(key, "own/gpt-x", false, "Hello").statusCode()).isEqualTo(200);
    assertThat(provider.lastBody()).contains("\"messages\"");
  }

  private static UsageRecord record(HttpResponse<String> answer) {
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    return gateway.awaitRecord(row -> row.requestId().equals(id));
  }
}
