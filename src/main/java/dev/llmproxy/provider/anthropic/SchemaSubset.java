package dev.llmproxy.provider.anthropic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The part of JSON Schema that Anthropic enforces for <a
 * href="https://platform.claude.com/docs/en/build-with-claude/structured-outputs">structured
 * outputs</a>. It refuses other keywords.
 */
final class SchemaSubset {
  private static final Set<String> KEYWORDS =
      Set.of(
          "type",
          "enum",
          "const",
          "anyOf",
          "allOf",
          "$ref",
          "$defs",
          "title",
          "description",
          "properties",
          "required",
          "items",
          "minItems",
          "format",
          "additionalProperties");
  private static final Set<String> FORMATS =
      Set.of(
          "date-time",
          "time",
          "date",
          "duration",
          "email",
          "hostname",
          "uri",
          "ipv4",
          "ipv6",
          "uuid");

  /** Keywords whose value is an object of schemas, and keywords whose value is a list of them. */
  private static final Set<String> MAPS = Set.of("properties", "$defs");

  private static final Set<String> LISTS = Set.of("anyOf", "allOf");

  private SchemaSubset() {}

  /** Whether a schema has only what Anthropic enforces. */
  static boolean holds(JsonNode schema) {
    return schema.equals(converted(schema));
  }

  /**
   * The schema with what Anthropic enforces. Everything else is in the descriptions, where the
   * model may follow it.
   */
  static JsonNode converted(JsonNode schema) {
    if (!(schema instanceof ObjectNode given)) {
      return schema;
    }
    ObjectNode result = Json.object();
    List<String> rest = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : given.properties()) {
      String name = field.getKey().equals("oneOf") ? "anyOf" : field.getKey();
      name = name.equals("definitions") ? "$defs" : name;
      JsonNode value = field.getValue();
      if (name.equals("additionalProperties")) {
        continue;
      }
      if (MAPS.contains(name) && value.isObject()) {
        ObjectNode schemas = result.putObject(name);
        value.properties().forEach(each -> schemas.set(each.getKey(), converted(each.getValue())));
      } else if (LISTS.contains(name) && value.isArray()) {
        ArrayNode schemas = result.putArray(name);
        value.forEach(each -> schemas.add(converted(each)));
      } else if (name.equals("items") && value.isObject()) {
        result.set(name, converted(value));
      } else if (name.equals("$ref")) {
        result.put(name, value.asText("").replace("#/definitions/", "#/$defs/"));
      } else if (KEYWORDS.contains(name) && enforced(name, value)) {
        result.set(name, value);
      } else {
        rest.add(field.getKey() + ": " + Json.text(value));
      }
    }
    if (isObject(given)) {
      result.put("additionalProperties", false);
    }
    if (!rest.isEmpty()) {
      String description = result.path("description").asText("");
      result.put(
          "description",
          (description.isEmpty() ? "" : description + "\n\n")
              + "{"
              + String.join(", ", rest)
              + "}");
    }
    return result;
  }

  private static boolean isObject(ObjectNode schema) {
    return schema.path("type").asText("").equals("object") || schema.has("properties");
  }

  private static boolean enforced(String keyword, JsonNode value) {
    return switch (keyword) {
      case "format" -> FORMATS.contains(value.asText(""));
      case "minItems" -> value.isInt() && (value.intValue() == 0 || value.intValue() == 1);
      case "items" -> false;
      default -> true;
    };
  }
}
