package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.ModelRequest;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.call.TextChange;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.List;
import java.util.stream.Collectors;

/**
 * An embedding request in the form of OpenAI's CreateEmbeddingRequest. Only a few fields are
 * checked; all fields are passed on.
 *
 * @param body the request; never changed
 * @param inputs the inputs to embed, each a text or an array of token numbers
 */
public record EmbeddingRequest(ObjectNode body, List<JsonNode> inputs) implements ModelRequest {
  private static final int MOST_INPUTS = 2048;

  /** Twice the dimensions of the largest known model. */
  private static final int MOST_DIMENSIONS = 8192;

  private static final String FORMS =
      "a string, an array of strings, an array of tokens or an array of token arrays";

  /**
   * Parses a request.
   *
   * @param json the request body in UTF-8, or null
   * @throws ApiException 400 with the name of the wrong field
   */
  public static EmbeddingRequest parse(byte[] json) {
    RequestBody body = RequestBody.parse(json);
    body.model();
    List<JsonNode> inputs = inputs(body.required("input"));
    checkFormat(body);
    checkDimensions(body);
    body.optional("user", JsonNode::isTextual, "a string");
    return new EmbeddingRequest(body.json(), inputs);
  }

  @Override
  public ModelRequest of(ObjectNode changed) {
    return new EmbeddingRequest(changed, inputs(changed.get("input")));
  }

  @Override
  public String type() {
    return "embedding";
  }

  @Override
  public String promptText() {
    return inputs.stream()
        .filter(JsonNode::isTextual)
        .map(JsonNode::textValue)
        .collect(Collectors.joining("\n"));
  }

  @Override
  public ModelRequest withTexts(TextChange change) {
    JsonNode input = body.get("input");
    JsonNode changed;
    if (input.isTextual()) {
      changed = changed(input, change);
    } else {
      ArrayNode list = Json.array();
      input.forEach(each -> list.add(changed(each, change)));
      changed = list;
    }
    return changed.equals(input) ? this : of(copy().set("input", changed));
  }

  private static JsonNode changed(JsonNode input, TextChange change) {
    return input.isTextual()
        ? TextNode.valueOf(change.changed(TextChange.USER, input.textValue()))
        : input;
  }

  /** Returns the same request, because embeddings have no completion tokens. */
  @Override
  public ModelRequest withMostTokens(int most) {
    return this;
  }

  @Override
  public String model() {
    return body.get("model").textValue();
  }

  /** Whether the client requested base64 of the floats instead of numbers. */
  public boolean base64() {
    return body.path("encoding_format").asText("").equals("base64");
  }

  /** The path of an input in the request, for error messages. */
  public String path(int input) {
    return single(body.get("input")) ? "input" : "input[" + input + "]";
  }

  /**
   * Contains no text of the client: the model id could be any text, and a record would print it.
   */
  @Override
  public String toString() {
    return "EmbeddingRequest";
  }

  /** Number of characters of all texts. */
  long characters() {
    return inputs.stream()
        .filter(JsonNode::isTextual)
        .mapToLong(text -> text.textValue().length())
        .sum();
  }

  /** Number of tokens of all token arrays. */
  long tokens() {
    return inputs.stream().filter(JsonNode::isArray).mapToLong(JsonNode::size).sum();
  }

  private static List<JsonNode> inputs(JsonNode input) {
    if (single(input)) {
      check(input, "input");
      return List.of(input);
    }
    if (!input.isArray()) {
      throw OpenAiErrors.invalidType("input", FORMS).asException();
    }
    if (input.isEmpty()) {
      throw OpenAiErrors.invalidValue("input", "expected at least one input.").asException();
    }
    if (input.size() > MOST_INPUTS) {
      throw OpenAiErrors.invalidValue(
              "input", "%d inputs are more than %d.".formatted(input.size(), MOST_INPUTS))
          .asException();
    }
    boolean texts = input.get(0).isTextual();
    for (int i = 0; i < input.size(); i++) {
      JsonNode one = input.get(i);
      if (texts != one.isTextual() || texts == one.isArray()) {
        throw OpenAiErrors.invalidType("input", FORMS).asException();
      }
      check(one, "input[" + i + "]");
    }
    return input.valueStream().toList();
  }

  private static boolean single(JsonNode input) {
    return input.isTextual() || input.path(0).isNumber();
  }

  private static void check(JsonNode input, String path) {
    if (input.isTextual() ? input.textValue().isEmpty() : input.isEmpty()) {
      throw OpenAiErrors.invalidValue(path, "it is empty.").asException();
    }
    if (!input.valueStream().allMatch(RequestBody::isWhole)) {
      throw OpenAiErrors.invalidType(path, "token numbers only").asException();
    }
  }

  private static void checkFormat(RequestBody body) {
    body.optional("encoding_format", JsonNode::isTextual, "a string");
    String format = body.json().path("encoding_format").asText("float");
    if (body.json().hasNonNull("encoding_format")
        && !format.equals("float")
        && !format.equals("base64")) {
      throw OpenAiErrors.invalidValue(
              "encoding_format", "'%s' is not one of float, base64.".formatted(format))
          .asException();
    }
  }

  private static void checkDimensions(RequestBody body) {
    body.optional("dimensions", RequestBody::isWhole, "an integer");
    JsonNode dimensions = body.json().path("dimensions");
    boolean fits =
        dimensions.canConvertToInt()
            && dimensions.intValue() >= 1
            && dimensions.intValue() <= MOST_DIMENSIONS;
    if (dimensions.isNumber() && !fits) {
      throw OpenAiErrors.invalidValue(
              "dimensions", "it must be from 1 to %d.".formatted(MOST_DIMENSIONS))
          .asException();
    }
  }
}
