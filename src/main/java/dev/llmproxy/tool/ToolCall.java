package dev.llmproxy.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.Json;

/**
 * A model's wish that a tool be run.
 *
 * @param id what the model calls this call
 * @param name the tool's
 * @param arguments a JSON object as the model wrote it, perhaps none at all; empty = {@code {}}
 */
public record ToolCall(String id, String name, String arguments) {
  /** The arguments as JSON: an object, or what the model wrote as a text when that is none. */
  public JsonNode json() {
    try {
      return arguments.isBlank() ? Json.object() : Json.parse(arguments);
    } catch (JsonProcessingException e) {
      return TextNode.valueOf(arguments);
    }
  }
}
