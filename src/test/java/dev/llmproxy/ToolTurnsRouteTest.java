package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.chat.ToolNotices;
import dev.llmproxy.emulator.ScriptedSearch;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Chats in which the server runs tools, as a client of the OpenAI API gets to see them. */
class ToolTurnsRouteTest {
  private static final String SEARCH = "{\"type\":\"web_search\"}";

  private static ScriptedSearch search;
  private static Gateway gateway;
  private static String key;

  /** One event of a stream; {@code name} is empty for the unnamed, {@code comment} for comments. */
  private record Event(String name, String data) {
    JsonNode json() throws Exception {
      return Json.parse(data);
    }
  }

  @BeforeAll
  static void start(@TempDir Path data) {
    search = ScriptedSearch.start();
    gateway = Gateway.start(data, search.settings());
    key = gateway.createKey("tools@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    search.close();
  }

  @Test
  void aToolRunIsShownBetweenTheChunksAndTheModelAnswersFromItsResult() throws Exception {
    List<Event> events =
        stream(
            null,
            "[[script calls='web_search {\"query\": \"camels\"}' say='Let me look.']]",
            SEARCH);

    assertThat(events.stream().map(Event::name).filter(name -> !name.isEmpty()))
        .containsExactly("tool_notification", "tool_notification");
    assertThat(content(events)).startsWith("Let me look.\n\nThe tool said: {");
  }

  private static List<Event> stream(String mode, String message, String... tools) throws Exception {
    HttpResponse<String> answer = send(mode, request(message, true, tools));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return events(answer.body());
  }

  private static HttpResponse<String> send(String mode, ObjectNode request) {
    HttpRequest.Builder builder = gateway.request("/v1/chat/completions", key);
    if (mode != null) {
      builder.header(ToolNotices.HEADER, mode);
    }
    return gateway.send(
        builder.POST(HttpRequest.BodyPublishers.ofString(Json.text(request))).build());
  }

  private static ObjectNode request(String message, boolean stream, String... tools)
      throws Exception {
    ObjectNode request = Json.object().put("model", "openai/scripted").put("stream", stream);
    request.putArray("messages").addObject().put("role", "user").put("content", message);
    for (String tool : tools) {
      request.withArray("tools").add(Json.parse(tool));
    }
    return request;
  }

  private static String content(List<Event> events) throws Exception {
    StringBuilder content = new StringBuilder();
    for (Event event : events) {
      if (event.data().startsWith("{")) {
        content.append(event.json().at("/choices/0/delta/content").asText(""));
      }
    }
    return content.toString();
  }

  private static List<Event> events(String body) {
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
