package dev.llmproxy.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.base.Json;

/**
 * A model's request to run a tool.
 *
 * @param id the model's id of the call
 * @param name 1 to 64 letters, digits, _ and -; a tool of this name may not exist
 * @param arguments the model's text, which should be a JSON object but may be invalid. Empty and
 *     {@code null} mean {@code {}}
 */
public record ToolCall(String id, String name, String arguments) {
  /** A call as the model wrote it. An invalid name becomes the closest valid name. */
  public static ToolCall of(String id, String name, String arguments) {
    return new ToolCall(id, Tool.nearestName(name), arguments);
  }

  /** The arguments as a JSON object, or as a JSON string when they are not an object. */
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

  /** The arguments as a JSON object; {@code {}} when the model wrote something else. */
  public String object() {
    return json() instanceof ObjectNode object ? Json.text(object) : "{}";
  }
}
