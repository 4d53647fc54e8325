package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.RecordedRequest;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Sends requests in the Responses format to a gateway, and collects their streams as SDKs do. */
final class Responses {
  static final String PATH = "/v1/responses";
  static final String MODEL = "openai/scripted";

  private final Gateway gateway;
  private final String key;

  Responses(Gateway gateway, String key) {
    this.gateway = gateway;
    this.key = key;
  }

  /** A request whose input is one text. */
  static ObjectNode request(String text) {
    return Json.object().put("model", MODEL).put("input", text);
  }

  /** A request from JSON; a missing model is added. */
  static ObjectNode json(String request) {
    ObjectNode json = (ObjectNode) ToolChats.json(request);
    return json.has("model") ? json : json.put("model", MODEL);
  }

  HttpResponse<String> post(ObjectNode request) {
    return gateway.post(PATH, key, Json.text(request));
  }

  /** The whole response. */
  JsonNode whole(ObjectNode request) {
    HttpResponse<String> answer = post(request);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }

  /** The events of a stream, checked. */
  List<JsonNode> stream(ObjectNode request) {
    HttpResponse<String> answer = post(request.deepCopy().put("stream", true));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return events(answer.body());
  }

  /** The response of a stream, which has come to its end. */
  JsonNode streamed(ObjectNode request) {
    return collected(stream(request));
  }

  /** The error of a refused request. */
  JsonNode refused(int status, ObjectNode request) {
    HttpResponse<String> answer = post(request);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return Gateway.json(answer).path("error");
  }

  /** The provider's last request. */
  JsonNode asked() {
    return gateway.provider().lastRequest().body();
  }

  /** The messages of the provider's last request. */
  JsonNode messages() {
    return asked().path("messages");
  }

  List<RecordedRequest> requests() {
    return gateway.provider().requests();
  }

  HttpResponse<String> send(String method, String path) {
    return gateway.send(
        gateway
            .request(PATH + path, key)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build());
  }

  /** The events of a body; each has its type as its name, and the next number. */
  static List<JsonNode> events(String body) {
    assertThat(body).endsWith("\n\n").doesNotContain("[DONE]");
    List<JsonNode> events = new ArrayList<>();
    for (ToolChats.Event event : ToolChats.events(body)) {
      JsonNode json = event.json();
      assertThat(event.name()).isEqualTo(json.path("type").asText());
      assertThat(json.path("sequence_number").asInt()).isEqualTo(events.size());
      events.add(json);
    }
    return events;
  }

  /**
   * Builds the response from the pieces of a stream as the strictest clients do, and checks that
   * the last event has the same.
   */
  static JsonNode collected(List<JsonNode> events) {
    assertThat(type(events.get(0))).isEqualTo("response.created");
    assertThat(type(events.get(1))).isEqualTo("response.in_progress");
    JsonNode begun = events.get(0).path("response");
    assertThat(begun.path("status").asText()).isEqualTo("in_progress");
    assertThat(begun.path("output")).isEmpty();
    assertThat(begun.path("usage").isNull()).isTrue();
    ArrayNode items = Json.array();
    Map<String, StringBuilder> texts = new HashMap<>();
    ObjectNode open = null;
    for (JsonNode event : events.subList(2, events.size() - 1)) {
      String type = type(event);
      if (type.equals("keepalive")) {
        continue;
      }
      if (type.equals("response.output_item.added")) {
        assertThat(open).as("an item that is open").isNull();
        open = (ObjectNode) event.path("item");
        assertThat(event.path("output_index").asInt()).isEqualTo(items.size());
        texts.clear();
        continue;
      }
      assertThat(open).as("an item for " + type).isNotNull();
      assertThat(event.path("output_index").asInt()).isEqualTo(items.size());
      if (type.equals("response.output_item.done")) {
        JsonNode item = event.path("item");
        assertThat(item.path("id")).isEqualTo(open.path("id"));
        assertThat(item.path("type")).isEqualTo(open.path("type"));
        checkTexts(item, texts);
        items.add(item);
        open = null;
        continue;
      }
      assertThat(event.path("item_id")).isEqualTo(open.path("id"));
      if (type.endsWith(".delta")) {
        texts
            .computeIfAbsent(type, unknown -> new StringBuilder())
            .append(event.path("delta").asText());
      }
    }
    assertThat(open).isNull();
    JsonNode last = events.getLast();
    JsonNode response = last.path("response");
    assertThat(type(last)).isEqualTo("response." + response.path("status").asText());
    assertThat(response.path("id")).isEqualTo(begun.path("id"));
    assertThat(response.path("output")).isEqualTo(items);
    return response;
  }

  private static void checkTexts(JsonNode item, Map<String, StringBuilder> texts) {
    String said =
        switch (item.path("type").asText()) {
          case "message" ->
              item.at("/content/0/text").asText(item.at("/content/0/refusal").asText());
          case "function_call" -> item.path("arguments").asText();
          case "custom_tool_call" -> item.path("input").asText();
          case "reasoning" -> item.at("/summary/0/text").asText("");
          default -> "";
        };
    String pieces = texts.isEmpty() ? "" : texts.values().iterator().next().toString();
    assertThat(texts.size()).isLessThanOrEqualTo(1);
    assertThat(pieces).isEqualTo(said);
  }

  static String type(JsonNode event) {
    return event.path("type").asText();
  }

  /** The types of the events. */
  static List<String> types(List<JsonNode> events) {
    return events.stream().map(Responses::type).toList();
  }

  /** All texts of a response. */
  static String text(JsonNode response) {
    StringBuilder text = new StringBuilder();
    response
        .path("output")
        .forEach(item ->
            item.path("content").forEach(part -> text.append(part.path("text").asText(""))));
    return text.toString();
  }

  /** The items of a type. */
  static List<JsonNode> items(JsonNode response, String type) {
    return response
        .path("output")
        .valueStream()
        .filter(item -> item.path("type").asText().equals(type))
        .toList();
  }

  /** The types of the items. */
  static List<String> itemTypes(JsonNode response) {
    return response.path("output").valueStream().map(item -> item.path("type").asText()).toList();
  }
}
