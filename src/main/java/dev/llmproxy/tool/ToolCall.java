package dev.llmproxy.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.base.Json;

/**
 * A model's wish that a tool be run.
 *
 * @param id what the model calls this call
 * @param name the tool's, or of none: 1 to 64 letters, digits, _ and -
 * @param arguments a JSON object as the model wrote it, perhaps none at all; empty or {@code null}
 *     = {@code {}}
 */
public record ToolCall(String id, String name, String arguments) {
  /** What a model wrote; a name that cannot be one becomes the nearest that can. */
  public static ToolCall of(String id, String name, String arguments) {
    return new ToolCall(id, Tool.nearestName(name), arguments);
  }

  /** The arguments as JSON: an object, or what the model wrote as a text when that is none. */
  public JsonNode json() {
    try {
      JsonNode json = arguments.isBlank() ? Json.object() : Json.parse(arguments);
      if (json.isNull()) {
        return Json.object();
      }
      return json.isObject() ? json : TextNode.valueOf(arguments);
    } catch (JsonProcessingException e) {
      return TextNode.valueOf(arguments);
    }
  }

  /** The arguments as a JSON object in any case: {@code {}} when the model wrote none. */
  public String object() {
    return json() instanceof ObjectNode object ? Json.text(object) : "{}";
  }
}
