package dev.llmproxy.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.Optional;

/**
 * The fields of a JSON object in a request to the admin API. Each is taken once; {@link #end}
 * refuses those that nobody has taken.
 */
final class JsonFields {
  private final ObjectNode left;

  private JsonFields(ObjectNode left) {
    this.left = left;
  }

  /**
   * Parses a body; an empty one is an empty object.
   *
   * @throws ApiException 400 when it is no JSON object
   */
  static JsonFields of(byte[] body) {
    if (body == null || body.length == 0) {
      return new JsonFields(Json.object());
    }
    try {
      if (Json.parse(body) instanceof ObjectNode object) {
        return new JsonFields(object);
      }
    } catch (JsonProcessingException e) {
      // Reported below.
    }
    throw OpenAiErrors.badJson("it must be one object.").asException();
  }

  /**
   * The fields of an object in this one; none when it is absent.
   *
   * @throws ApiException 400 when it is no object
   */
  JsonFields object(String name) {
    JsonNode value = left.remove(name);
    if (value == null) {
      return new JsonFields(Json.object());
    }
    if (value instanceof ObjectNode object) {
      return new JsonFields(object);
    }
    throw OpenAiErrors.invalidType(name, "an object").asException();
  }

  /**
   * A text on one line, without surrounding space; empty when it is absent.
   *
   * @throws ApiException 400 when it is no text, has control characters, or is too long
   */
  Optional<String> line(String name, int longest) {
    Optional<String> text = text(name, longest);
    if (text.isPresent() && text.get().chars().anyMatch(sign -> ShownText.isControl((char) sign))) {
      throw OpenAiErrors.invalidValue(name, "It has control characters.").asException();
    }
    return text;
  }

  /**
   * A text without surrounding space; empty when it is absent.
   *
   * @throws ApiException 400 when it is no text, or too long
   */
  Optional<String> text(String name, int longest) {
    JsonNode value = left.remove(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw OpenAiErrors.invalidType(name, "a string").asException();
    }
    if (value.textValue().length() > longest) {
      throw OpenAiErrors.invalidValue(name, "It is longer than %d characters.".formatted(longest))
          .asException();
    }
    return Optional.of(value.textValue().strip());
  }

  /** A text as it is; empty when it is absent or no text. */
  String raw(String name) {
    return left.path(name).asText();
  }

  /**
   * A whole number.
   *
   * @throws ApiException 400 when it is none, or outside of the range
   */
  int number(String name, int absent, int min, int max) {
    JsonNode value = left.remove(name);
    if (value == null) {
      return absent;
    }
    if (!value.canConvertToInt()
        || !value.isIntegralNumber()
        || value.intValue() < min
        || value.intValue() > max) {
      throw OpenAiErrors.invalidValue(
              name, "It must be a whole number from %d to %d.".formatted(min, max))
          .asException();
    }
    return value.intValue();
  }

  boolean hasMore() {
    return !left.isEmpty();
  }

  /**
   * Refuses fields that were not taken.
   *
   * @throws ApiException 400 when there is one
   */
  void end() {
    if (hasMore()) {
      throw OpenAiErrors.unknownParameter(
              left.fieldNames().next(), "docs/management.md lists the fields.")
          .asException();
    }
  }
}
