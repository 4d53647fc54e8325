package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.Set;

/**
 * Checks the body of a request in Anthropic's format. Only what the answer depends on is checked:
 * fields and types of blocks that nobody here knows are no error.
 */
final class MessagesBody {
  private static final Set<String> ROLES = Set.of("user", "assistant", "system");

  private MessagesBody() {}

  /**
   * Parses a body.
   *
   * @param json UTF-8, or null
   * @param forAnswer whether an answer is asked for, which needs {@code max_tokens}
   * @throws ApiException 400 that names the invalid field
   */
  static ObjectNode parse(byte[] json, boolean forAnswer) {
    RequestBody body = RequestBody.parse(json);
    body.model();
    checkMessages(body);
    if (forAnswer) {
      checkMaxTokens(body);
    }
    checkOptions(body);
    return body.json();
  }

  private static void checkMaxTokens(RequestBody body) {
    JsonNode most = body.required("max_tokens");
    if (!RequestBody.isWhole(most)) {
      throw OpenAiErrors.invalidType("max_tokens", "an integer").asException();
    }
    if (!most.canConvertToInt() || most.intValue() < 1) {
      throw OpenAiErrors.invalidValue("max_tokens", "it must be from 1 to 2147483647.")
          .asException();
    }
  }

  private static void checkOptions(RequestBody body) {
    body.optional("stream", JsonNode::isBoolean, "a boolean");
    body.optional("tools", JsonNode::isArray, "an array");
    body.optional("tool_choice", JsonNode::isObject, "an object");
    body.optional("thinking", JsonNode::isObject, "an object");
    body.optional("output_config", JsonNode::isObject, "an object");
    body.optional("top_k", RequestBody::isWhole, "an integer");
    body.optional(
        "stop_sequences",
        stops -> stops.isArray() && stops.valueStream().allMatch(JsonNode::isTextual),
        "an array of strings");
    checkRange(body, "temperature", 2);
    checkRange(body, "top_p", 1);
    JsonNode system = body.json().path("system");
    if (!isAbsent(system)) {
      checkContent(system, "system");
    }
  }

  private static void checkRange(RequestBody body, String name, int most) {
    body.optional(name, JsonNode::isNumber, "a number");
    JsonNode value = body.json().path(name);
    if (value.isNumber() && !(value.doubleValue() >= 0 && value.doubleValue() <= most)) {
      throw OpenAiErrors.invalidValue(name, "it must be from 0 to %d.".formatted(most))
          .asException();
    }
  }

  private static void checkMessages(RequestBody body) {
    JsonNode messages = body.required("messages");
    if (!messages.isArray()) {
      throw OpenAiErrors.invalidType("messages", "an array").asException();
    }
    if (messages.isEmpty()) {
      throw OpenAiErrors.invalidValue("messages", "expected at least one message.").asException();
    }
    for (int i = 0; i < messages.size(); i++) {
      checkMessage(messages.get(i), "messages[" + i + "]");
    }
  }

  private static void checkMessage(JsonNode message, String path) {
    if (!message.isObject()) {
      throw OpenAiErrors.invalidType(path, "an object").asException();
    }
    JsonNode role = message.path("role");
    if (isAbsent(role)) {
      throw OpenAiErrors.missing(path + ".role").asException();
    }
    if (!role.isTextual()) {
      throw OpenAiErrors.invalidType(path + ".role", "a string").asException();
    }
    if (!ROLES.contains(role.textValue())) {
      throw OpenAiErrors.invalidValue(
              path + ".role", "'%s' is not one of user, assistant.".formatted(role.textValue()))
          .asException();
    }
    if (isAbsent(message.path("content"))) {
      throw OpenAiErrors.missing(path + ".content").asException();
    }
    checkContent(message.path("content"), path + ".content");
  }

  private static void checkContent(JsonNode content, String path) {
    if (content.isTextual()) {
      return;
    }
    if (!content.isArray()) {
      throw OpenAiErrors.invalidType(path, "a string or an array of blocks").asException();
    }
    for (int i = 0; i < content.size(); i++) {
      if (!content.get(i).path("type").isTextual()) {
        throw OpenAiErrors.invalidType(path + "[" + i + "]", "an object with a type").asException();
      }
    }
  }

  private static boolean isAbsent(JsonNode value) {
    return value.isMissingNode() || value.isNull();
  }

  /**
   * A text that a block must have.
   *
   * @throws ApiException 400 when it is absent or no string
   */
  static String text(JsonNode object, String field, String path) {
    JsonNode value = object.path(field);
    if (isAbsent(value)) {
      throw OpenAiErrors.missing(path + "." + field).asException();
    }
    if (!value.isTextual()) {
      throw OpenAiErrors.invalidType(path + "." + field, "a string").asException();
    }
    return value.textValue();
  }
}
