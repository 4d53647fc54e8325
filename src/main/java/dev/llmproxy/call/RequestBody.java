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
 * The JSON object that a request brings, or one within it, and what all endpoints check of theirs.
 * What does not hold is an {@link ApiException} 400 that names the field at fault.
 *
 * @param json the object
 * @param path what comes before the names of its fields, e.g. {@code options.}; empty for the body
 */
public record RequestBody(ObjectNode json, String path) {
  /** Jackson's messages name its own method in the end, e.g. {@code (1000, from `…`)}. */
  private static final Pattern LIMIT_SOURCE = Pattern.compile(" \\((\\d+), from `[^`]*`\\)");

  public RequestBody(ObjectNode json) {
    this(json, "");
  }

  /**
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

  /** The model id, which has to be there. */
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

  /** The object in a field; an empty one when it was left out. */
  public RequestBody object(String name) {
    optional(name, JsonNode::isObject, "an object");
    ObjectNode object = json.get(name) instanceof ObjectNode given ? given : Json.object();
    return new RequestBody(object, path + name + ".");
  }

  /** The value of a field that has to be there. */
  public JsonNode required(String name) {
    JsonNode value = json.path(name);
    if (value.isMissingNode() || value.isNull()) {
      throw OpenAiErrors.missing(path + name).asException();
    }
    return value;
  }

  /** Checks a field that may be left out. Several clients send null for what they leave out. */
  public void optional(String name, Predicate<JsonNode> fits, String expected) {
    JsonNode value = json.path(name);
    if (!value.isMissingNode() && !value.isNull() && !fits.test(value)) {
      throw OpenAiErrors.invalidType(path + name, expected).asException();
    }
  }

  /** To JSON Schema, and to clients whose numbers are all of one type, 7.0 is an integer. */
  public static boolean isWhole(JsonNode value) {
    return value.isIntegralNumber()
        || (value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0);
  }
}
