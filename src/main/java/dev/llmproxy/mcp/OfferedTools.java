package dev.llmproxy.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.SpecVersionDetector;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.Tool;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tools of a server as models get them. A tool whose schema cannot be used is ignored.
 *
 * @param tools the tools by the name that models use
 * @param originals the server's names by the name that models use
 */
record OfferedTools(Map<String, Tool> tools, Map<String, String> originals) {
  private static final Logger LOG = LoggerFactory.getLogger(OfferedTools.class);

  static final OfferedTools NONE = new OfferedTools(Map.of(), Map.of());

  /** Reads the entries of {@code tools/list}. */
  static OfferedTools of(String server, List<JsonNode> listed) {
    Map<String, JsonNode> entries = new LinkedHashMap<>();
    List<String> leftOut = new ArrayList<>();
    for (JsonNode entry : listed) {
      String name = entry.path("name").asText();
      if (name.isBlank() || entries.putIfAbsent(name, entry) != null) {
        leftOut.add("\"%s\" is empty or used twice".formatted(name));
      }
    }
    Map<String, String> names = ToolNames.of(server, entries.keySet());
    Map<String, Tool> tools = new TreeMap<>();
    Map<String, String> originals = new TreeMap<>();
    entries.forEach((original, entry) -> {
      String name = names.get(original);
      try {
        tools.put(
            name, new Tool(name, description(server, entry), schema(entry.path("inputSchema"))));
        originals.put(name, original);
      } catch (IllegalArgumentException e) {
        leftOut.add("%s: %s".formatted(original, e.getMessage()));
      }
    });
    if (!leftOut.isEmpty()) {
      LOG.warn("Tools of the MCP server {} are ignored: {}", server, String.join("; ", leftOut));
    }
    return new OfferedTools(tools, originals);
  }

  private static String description(String server, JsonNode entry) {
    for (String place : List.of("/description", "/title", "/annotations/title")) {
      String text = entry.at(place).asText();
      if (!text.isBlank()) {
        return text;
      }
    }
    return "%s of the MCP server %s".formatted(entry.path("name").asText(), server);
  }

  /** Adds the fields that providers require. */
  private static JsonNode schema(JsonNode given) {
    if (given.isMissingNode() || given.isNull()) {
      return Json.object().put("type", "object").set("properties", Json.object());
    }
    if (!(given instanceof ObjectNode object)) {
      return given;
    }
    ObjectNode schema = object.deepCopy();
    if (SpecVersionDetector.detectOptionalVersion(schema, false).isEmpty()) {
      schema.remove("$schema");
    }
    JsonNode type = schema.path("type");
    boolean amongOthers = false;
    for (JsonNode one : type) {
      amongOthers |= one.asText().equals("object");
    }
    if (type.isMissingNode() || type.isNull() || amongOthers) {
      schema.put("type", "object");
    }
    if (!schema.has("properties")) {
      schema.putObject("properties");
    }
    return schema;
  }
}
