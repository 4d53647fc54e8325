package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ToolNotices;
import dev.llmproxy.emulator.RecordedRequest;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;

/** Sends chats with tools to a gateway and parses their streams. */
final class ToolChats {
  static final String SEARCH = "{\"type\":\"web_search\"}";
  static final String CALCULATOR = "{\"type\":\"calculator\"}";
  static final String WEATHER =
      """
      {"type":"function","function":{"name":"get_weather","description":"Tells the weather.",
       "parameters":{"type":"object","properties":{"location":{"type":"string"}},"required":["location"]}}}
      """;
  static final String SEARCHES = "web_search {\"query\": \"camels\"}";
  static final String SEARCH_ADDRESS = "https://example.com/found";

  private final Gateway gateway;
  private final String key;

  ToolChats(Gateway gateway, String key) {
    this.gateway = gateway;
    this.key = key;
  }

  /**
   * One event of a stream.
   *
   * @param name empty for an unnamed one, {@code comment} for a comment
   */
  record Event(String name, String data) {
    JsonNode json() {
      try {
        return Json.parse(data);
      } catch (JsonProcessingException e) {
        throw new AssertionError(data, e);
      }
    }

    /** The delta of its first choice; missing when the event is not a chunk. */
    JsonNode delta() {
      return data.startsWith("{") ? json().at("/choices/0/delta") : Json.array().path(0);
    }
  }

  /** A message that makes the scripted provider call tools, e.g. {@code web_search {…}}. */
  static String script(String calls) {
    return "[[script calls='" + calls + "']]";
  }

  static ObjectNode request(String message, String... tools) {
    ObjectNode request = Json.object().put("model", "openai/scripted");
    request.putArray("messages").addObject().put("role", "user").put("content", message);
    for (String tool : tools) {
      request.withArray("tools").add(json(tool));
    }
    return request;
  }

  static JsonNode json(String text) {
    try {
      return Json.parse(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(text, e);
    }
  }

  /** Posts with a mode of {@code X-Tool-Notifications}, or null for none. */
  HttpResponse<String> post(ObjectNode request, String mode) {
    HttpRequest.Builder builder = gateway.request("/v1/chat/completions", key);
    if (mode != null) {
      builder.header(ToolNotices.HEADER, mode);
    }
    return gateway.send(
        builder.POST(HttpRequest.BodyPublishers.ofString(Json.text(request))).build());
  }

  List<Event> stream(ObjectNode request, String mode) {
    HttpResponse<String> answer = post(request.deepCopy().put("stream", true), mode);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return events(answer.body());
  }

  List<Event> stream(ObjectNode request) {
    return stream(request, null);
  }

  JsonNode complete(ObjectNode request, String mode) {
    HttpResponse<String> answer = post(request, mode);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }

  /** The error object of a request that is refused with 400. */
  JsonNode refused(ObjectNode request) {
    HttpResponse<String> answer = post(request, null);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    return Gateway.json(answer).path("error");
  }

  /** The provider's request of a turn, counted back from the last, which is 0. */
  JsonNode asked(int turnsBefore) {
    List<RecordedRequest> requests = gateway.provider().requests();
    return requests.get(requests.size() - 1 - turnsBefore).body();
  }

  static String content(List<Event> events) {
    StringBuilder content = new StringBuilder();
    events.forEach(event -> content.append(event.delta().path("content").asText("")));
    return content.toString();
  }

  /** The events {@code tool_notification}. */
  static List<JsonNode> notifications(List<Event> events) {
    return events.stream()
        .filter(event -> event.name().equals("tool_notification"))
        .map(Event::json)
        .toList();
  }

  /** Tool and status of each, e.g. {@code web_search started}. */
  static List<String> told(Iterable<JsonNode> notifications) {
    List<String> told = new ArrayList<>();
    notifications.forEach(
        one -> told.add(one.path("tool").asText() + " " + one.path("status").asText()));
    return told;
  }

  static List<String> finishReasons(List<Event> events) {
    return events.stream()
        .filter(event -> event.data().startsWith("{"))
        .map(event -> event.json().at("/choices/0/finish_reason"))
        .filter(JsonNode::isTextual)
        .map(JsonNode::asText)
        .toList();
  }

  static List<Event> events(String body) {
    List<Event> events = new ArrayList<>();
    for (String event : body.split("\n\n", -1)) {
      String name = "";
      for (String line : event.split("\n", -1)) {
        if (line.startsWith("event: ")) {
          name = line.substring(7);
        } else if (line.startsWith("data: ")) {
          events.add(new Event(name, line.substring(6)));
        } else if (line.startsWith(": ")) {
          events.add(new Event("comment", line.substring(2)));
        }
      }
    }
    return events;
  }
}
