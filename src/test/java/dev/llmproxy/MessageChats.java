package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Sends requests in Anthropic's format to a gateway, and parses its streams strictly. */
final class MessageChats {
  static final String PATH = "/v1/messages";
  static final String WEATHER =
      """
      {"name":"get_weather","description":"Tells the weather.",
       "input_schema":{"type":"object","properties":{"location":{"type":"string"}},"required":["location"]}}
      """;
  static final String SEARCH = "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}";

  private static final Set<String> COUNTERS =
      Set.of(
          "input_tokens",
          "cache_creation_input_tokens",
          "cache_read_input_tokens",
          "output_tokens");
  private static final Map<String, List<String>> DELTAS =
      Map.of(
          "text", List.of("text_delta"),
          "thinking", List.of("thinking_delta", "signature_delta"),
          "tool_use", List.of("input_json_delta"),
          "server_tool_use", List.of("input_json_delta"),
          "web_search_tool_result", List.of());

  private final Gateway gateway;
  private final String key;

  MessageChats(Gateway gateway, String key) {
    this.gateway = gateway;
    this.key = key;
  }

  /** One event of a stream. */
  record Event(String name, JsonNode json) {}

  static ObjectNode request(String message, String... tools) {
    ObjectNode request = Json.object().put("model", "openai/scripted").put("max_tokens", 1000);
    request.putArray("messages").addObject().put("role", "user").put("content", message);
    for (String tool : tools) {
      request.withArray("tools").add(ToolChats.json(tool));
    }
    return request;
  }

  HttpResponse<String> post(String path, JsonNode request) {
    return gateway.send(
        gateway
            .request(path, null)
            .header("x-api-key", key)
            .header("anthropic-version", "2023-06-01")
            .POST(HttpRequest.BodyPublishers.ofString(Json.text(request)))
            .build());
  }

  HttpResponse<String> post(JsonNode request) {
    return post(PATH, request);
  }

  /** The message of a request that is answered without streaming. */
  ObjectNode whole(ObjectNode request) {
    HttpResponse<String> answer = post(request);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return (ObjectNode) Gateway.json(answer);
  }

  List<Event> stream(ObjectNode request) {
    HttpResponse<String> answer = post(request.deepCopy().put("stream", true));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return events(answer.body());
  }

  /** The error object of a request that fails before its answer. */
  JsonNode refused(JsonNode request, int status) {
    HttpResponse<String> answer = post(request);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonNode body = Gateway.json(answer);
    assertThat(body.path("type").asText()).isEqualTo("error");
    assertThat(answer.headers().firstValue("request-id"))
        .hasValue(body.path("request_id").asText());
    return body.path("error");
  }

  /** The last request to the provider. */
  JsonNode asked() {
    return gateway.provider().lastRequest().body();
  }

  /** The provider's request for this one. */
  JsonNode askedFor(ObjectNode request) {
    whole(request);
    return asked();
  }

  /** The things that the answer names as dropped. */
  static List<String> dropped(HttpResponse<String> answer) {
    return List.of(answer.headers().firstValue("x-llmproxy-dropped").orElse("").split(", ", -1));
  }

  /**
   * Parses a stream, in which each event is {@code event: NAME}, {@code data: JSON}, empty line.
   */
  static List<Event> events(String body) {
    List<Event> events = new ArrayList<>();
    assertThat(body).endsWith("\n\n");
    for (String block : body.substring(0, body.length() - 2).split("\n\n", -1)) {
      String[] lines = block.split("\n", -1);
      assertThat(lines).as(block).hasSize(2);
      assertThat(lines[0]).startsWith("event: ");
      assertThat(lines[1]).startsWith("data: ");
      Event event = new Event(lines[0].substring(7), parsed(lines[1].substring(6)));
      assertThat(event.json().path("type").asText()).isEqualTo(event.name());
      events.add(event);
    }
    return events;
  }

  static List<String> names(List<Event> events) {
    return events.stream().map(Event::name).toList();
  }

  /**
   * Collates a complete stream to its message, as Anthropic's clients do.
   *
   * @throws AssertionError when an event breaks the rules of the format
   */
  static ObjectNode collated(List<Event> events) {
    assertThat(names(events))
        .startsWith("message_start", "ping")
        .endsWith("message_delta", "message_stop");
    ObjectNode message = events.getFirst().json().get("message").deepCopy();
    assertThat(message.path("content")).isEmpty();
    assertThat(message.path("stop_reason").isNull()).isTrue();
    assertThat(message.at("/usage/input_tokens").asLong()).isPositive();
    ArrayNode content = (ArrayNode) message.get("content");
    List<Event> between = events.subList(2, events.size() - 2);
    Block open = null;
    for (Event event : between) {
      switch (event.name()) {
        case "ping" -> {}
        case "content_block_start" -> {
          assertThat(open).as("an open block").isNull();
          open = new Block(event.json());
          assertThat(event.json().path("index").asInt()).isEqualTo(content.size());
        }
        case "content_block_delta" -> open.add(event.json(), content.size());
        case "content_block_stop" -> {
          assertThat(event.json().path("index").asInt()).isEqualTo(content.size());
          content.add(open.whole());
          open = null;
        }
        default -> throw new AssertionError("unknown event " + event);
      }
    }
    assertThat(open).as("an open block at the end").isNull();
    JsonNode delta = events.get(events.size() - 2).json();
    message.setAll((ObjectNode) delta.get("delta"));
    message.set("usage", delta.get("usage"));
    checkMessage(message);
    return message;
  }

  /** Checks what every complete message has. */
  static void checkMessage(JsonNode message) {
    assertThat(message.path("id").asText()).startsWith("msg_");
    assertThat(message.path("type").asText()).isEqualTo("message");
    assertThat(message.path("role").asText()).isEqualTo("assistant");
    assertThat(message.path("stop_reason").asText())
        .isIn("end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal");
    assertThat(message.has("stop_sequence")).isTrue();
    for (String counter : COUNTERS) {
      assertThat(message.path("usage").path(counter).isIntegralNumber()).as(counter).isTrue();
    }
  }

  private static JsonNode parsed(String json) {
    try {
      return Json.parse(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError(json, e);
    }
  }

  private static final class Block {
    private final ObjectNode block;
    private final StringBuilder input = new StringBuilder();

    Block(JsonNode start) {
      block = start.get("content_block").deepCopy();
      assertThat(DELTAS).containsKey(block.path("type").asText());
    }

    void add(JsonNode event, int index) {
      JsonNode delta = event.path("delta");
      String type = delta.path("type").asText();
      assertThat(event.path("index").asInt()).isEqualTo(index);
      assertThat(DELTAS.get(block.path("type").asText())).contains(type);
      if (type.equals("input_json_delta")) {
        input.append(delta.get("partial_json").textValue());
      } else {
        String field = type.substring(0, type.indexOf('_'));
        block.put(field, block.get(field).textValue() + delta.get(field).textValue());
      }
    }

    ObjectNode whole() {
      if (!input.isEmpty()) {
        assertThat(block.get("input")).isEmpty();
        block.set("input", lenient(input.toString()));
      }
      return block;
    }

    private static JsonNode lenient(String json) {
      try {
        JsonNode input = Json.parse(json);
        return input.isObject() ? input : Json.object().put("input", json);
      } catch (JsonProcessingException e) {
        return Json.object().put("input", json);
      }
    }
  }
}
