package dev.llmproxy.emulator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import java.util.regex.Pattern;

/** A received request. Header names are in lower case. {@code body} is a missing node for a GET. */
public record RecordedRequest(
    String method, String path, Map<String, String> headers, JsonNode body) {

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");

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

  /** The role of the last message that is no instruction. */
  String lastRole() {
    String role = "";
    for (JsonNode message : body.path("messages")) {
      if (!message.path("role").asText().equals("system")) {
        role = message.path("role").asText();
      }
    }
    return role;
  }

  /** The text of the last message of a role; text parts are joined. */
  String lastMessageOf(String role) {
    String text = "";
    for (JsonNode message : body.path("messages")) {
      if (message.path("role").asText().equals(role)) {
        text = textOf(message);
      }
    }
    return text;
  }

  /** The number of messages with tool calls after the last user message. */
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

  /**
   * Checks the tool calls in the history, as some providers do.
   *
   * @throws IllegalArgumentException that describes an invalid call
   */
  void checkHistory() {
    for (JsonNode message : body.path("messages")) {
      for (JsonNode call : message.path("tool_calls")) {
        JsonNode function = call.path("function");
        String name = function.path("name").asText();
        if (!NAME.matcher(name).matches()) {
          throw new IllegalArgumentException("a tool call's name is \"" + name + "\"");
        }
        String arguments = function.path("arguments").asText();
        if (!isObject(arguments)) {
          throw new IllegalArgumentException("a tool call's arguments are " + arguments);
        }
      }
    }
  }

  private static boolean isObject(String json) {
    try {
      return JSON.readTree(json).isObject();
    } catch (JsonProcessingException e) {
      return false;
    }
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
