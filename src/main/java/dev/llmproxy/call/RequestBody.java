package dev.llmproxy.call;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The JSON object of a request, or an object within it, with the checks that all endpoints share. A
 * failed check throws an {@link ApiException} with status 400 that names the field.
 *
 * @param json the object
 * @param path prefix of its fields in error messages, e.g. {@code options.}; empty for the body
 */
public record RequestBody(ObjectNode json, String path) {
  /** Jackson's messages end in the name of its own method, e.g. {@code (1000, from `…`)}. */
  private static final Pattern LIMIT_SOURCE = Pattern.compile(" \\((\\d+), from `[^`]*`\\)");

  public RequestBody(ObjectNode json) {
    this(json, "");
  }

  /**
   * Parses the body of a request.
   *
   * @param bytes UTF-8 JSON, or null
   */
  public static RequestBody parse(byte[] bytes) {
    if (bytes == null || bytes.length == 0) {
      throw OpenAiErrors.badJson("it is empty.").asException();
    }
    try {
      if (Json.parse(bytes) instanceof ObjectNode object) {
        return new RequestBody(object);
      }
      throw OpenAiErrors.badJson("expected an object.").asException();
    } catch (StreamConstraintsException e) {
      throw OpenAiErrors.jsonLimit(LIMIT_SOURCE.matcher(e.getOriginalMessage()).replaceFirst(" $1"))
          .asException();
    } catch (JsonProcessingException e) {
      var where = e.getLocation();
      throw OpenAiErrors.badJson(
              where == null
                  ? "it cannot be parsed."
                  : "it cannot be parsed at line %d, column %d."
                      .formatted(where.getLineNr(), where.getColumnNr()))
          .asException();
    }
  }

  /** The model id, which is required. */
  public String model() {
    JsonNode model = required("model");
    if (!model.isTextual()) {
      throw OpenAiErrors.invalidType("model", "a string").asException();
    }
    if (model.textValue().isBlank()) {
      throw OpenAiErrors.missing("model").asException();
    }
    return model.textValue();
  }

  /** The object in a field; an empty object when the field is missing. */
  public RequestBody object(String name) {
    optional(name, JsonNode::isObject, "an object");
    ObjectNode object = json.get(name) instanceof ObjectNode given ? given : Json.object();
    return new RequestBody(object, path + name + ".");
  }

  /** The value of a required field. */
  public JsonNode required(String name) {
    JsonNode value = json.path(name);
    if (value.isMissingNode() || value.isNull()) {
      throw OpenAiErrors.missing(path + name).asException();
    }
    return value;
  }

  /**
   * Checks an optional field. Null counts as missing: several clients send it for optional fields.
   */
  public void optional(String name, Predicate<JsonNode> fits, String expected) {
    JsonNode value = json.path(name);
    if (!value.isMissingNode() && !value.isNull() && !fits.test(value)) {
      throw OpenAiErrors.invalidType(path + name, expected).asException();
    }
  }

  /**
   * Whether the value is an integer. 7.0 counts as one: it does in JSON Schema, and some clients
   * have only one type of number.
   */
  public static boolean isWhole(JsonNode value) {
    return value.isIntegralNumber()
        || (value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0);
  }
}
