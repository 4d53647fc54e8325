package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/** One request as it came in; header names in lower case. {@code body} is missing on a GET. */
public record RecordedRequest(
    String method, String path, Map<String, String> headers, JsonNode body) {

  /** The header's value, or an empty string. */
  public String header(String name) {
    return headers.getOrDefault(name, "");
  }

  boolean wantsStream() {
    return body.path("stream").asBoolean();
  }

  boolean wantsUsage() {
    return !wantsStream() || body.path("stream_options").path("include_usage").asBoolean();
  }

  String model() {
    return body.path("model").asText();
  }

  String lastRole() {
    return body.path("messages").path(body.path("messages").size() - 1).path("role").asText();
  }

  /** The text of the last message of that role; its text parts joined when it comes in parts. */
  String lastMessageOf(String role) {
    String text = "";
    for (JsonNode message : body.path("messages")) {
      if (message.path("role").asText().equals(role)) {
        text = textOf(message);
      }
    }
    return text;
  }

  /** How many messages since the user's last word called tools. */
  int toolTurns() {
    int turns = 0;
    for (JsonNode message : body.path("messages")) {
      if (message.path("role").asText().equals("user")) {
        turns = 0;
      } else if (!message.path("tool_calls").isEmpty()) {
        turns++;
      }
    }
    return turns;
  }

  int promptWords() {
    int words = 0;
    for (JsonNode message : body.path("messages")) {
      words += Words.count(textOf(message));
    }
    return words;
  }

  private static String textOf(JsonNode message) {
    JsonNode content = message.path("content");
    if (!content.isArray()) {
      return content.asText("");
    }
    StringBuilder text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asText("")));
    return text.toString();
  }
}
