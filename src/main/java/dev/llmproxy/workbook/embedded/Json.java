package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** JSON trees of this package. */
final class Json {
  /** Shared; configured once, thread-safe. */
  static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  /** Removes every field that is null, however deep; elements of arrays stay. */
  static void removeNullFields(JsonNode json) {
    if (json.isObject()) {
      json.properties().removeIf(field -> field.getValue().isNull());
    }
    json.forEach(Json::removeNullFields);
  }

  /** Reads what this package has written itself. */
  static JsonNode read(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new StoreException(e);
    }
  }

  static ObjectNode readObject(String text) {
    return (ObjectNode) read(text);
  }

  static ArrayNode readArray(String text) {
    return (ArrayNode) read(text);
  }
}
