package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Translates the fields of a request that are neither items nor tools. */
final class ChatOptions {
  private static final String TOP_LOGPROBS = "top_logprobs";
  private static final String LIMIT = "max_output_tokens";

  /** Fields with the same name and meaning in both formats. */
  private static final List<String> SAME =
      List.of(
          "temperature",
          "top_p",
          "user",
          "safety_identifier",
          "prompt_cache_key",
          "service_tier",
          "stream");

  /** Fields that this server reads itself, or that have no effect on an answer. */
  private static final Set<String> CONSUMED =
      Set.of(
          "model",
          "input",
          "instructions",
          "tools",
          "tool_choice",
          "parallel_tool_calls",
          "previous_response_id",
          "reasoning",
          "text",
          "store",
          "include",
          "truncation",
          "stream_options",
          // OpenAI's chats take metadata only together with their storage.
          "metadata",
          TOP_LOGPROBS,
          LIMIT);

  /** Fields without which the answer would be wrong, by the remedy. */
  private static final Map<String, String> REFUSED =
      Map.of(
          "background",
          "This server has no responses in the background. Use `stream`.",
          "conversation",
          "This server has no conversations. Use `previous_response_id`, or send all items.",
          "prompt",
          "This server has no stored prompts. Send `instructions` and `input`.");

  private final RequestBody fields;
  private final Consumer<String> dropped;

  /**
   * @param dropped is told the fields that the model does not get
   */
  ChatOptions(RequestBody fields, Consumer<String> dropped) {
    this.fields = fields;
    this.dropped = dropped;
  }

  /**
   * Checks the types of fields, and refuses those without which the answer would be wrong.
   *
   * @throws dev.llmproxy.error.ApiException 400 that names the field
   */
  void check() {
    ObjectNode body = fields.json();
    fields.optional("instructions", JsonNode::isTextual, "a string");
    fields.optional("previous_response_id", JsonNode::isTextual, "a string");
    for (String object : List.of("reasoning", "text", "stream_options", "metadata")) {
      fields.optional(object, JsonNode::isObject, "an object");
    }
    for (String array : List.of("tools", "include")) {
      fields.optional(array, JsonNode::isArray, "an array");
    }
    for (String flag : List.of("store", "parallel_tool_calls", "background")) {
      fields.optional(flag, JsonNode::isBoolean, "a boolean");
    }
    fields.optional(LIMIT, RequestBody::isWhole, "an integer");
    JsonNode limit = body.path(LIMIT);
    if (limit.isNumber() && (limit.decimalValue().signum() <= 0 || !limit.canConvertToInt())) {
      throw OpenAiErrors.invalidValue(LIMIT, "it must be from 1 to 2147483647.").asException();
    }
    ChatRequest.checkOptions(new RequestBody(body.deepCopy().retain(checkedLikeChats())));
    REFUSED.forEach((field, remedy) -> {
      JsonNode value = body.path(field);
      if (!value.isMissingNode()
          && !value.isNull()
          && !value.equals(Json.object().booleanNode(false))) {
        throw new ApiError(
                400,
                "invalid_request_error",
                "unsupported_parameter",
                field,
                "Unsupported parameter: '%s'. %s".formatted(field, remedy))
            .asException();
      }
    });
  }

  private static List<String> checkedLikeChats() {
    return List.of("temperature", "top_p", "user", "stream", TOP_LOGPROBS);
  }

  /** Sets the fields of the chat. */
  void set(ObjectNode chat) {
    ObjectNode body = fields.json();
    SAME.forEach(field -> {
      if (body.hasNonNull(field)) {
        chat.set(field, body.get(field));
      }
    });
    if (body.hasNonNull(LIMIT)) {
      chat.put("max_completion_tokens", body.get(LIMIT).intValue());
    }
    if (body.path(TOP_LOGPROBS).asInt() > 0) {
      chat.put("logprobs", true).set(TOP_LOGPROBS, body.get(TOP_LOGPROBS));
    }
    setText(chat, body.path("text"));
    if (body.path("reasoning").hasNonNull("effort")) {
      chat.set("reasoning_effort", body.path("reasoning").get("effort"));
    }
    for (Map.Entry<String, JsonNode> field : body.properties()) {
      String name = field.getKey();
      if (!field.getValue().isNull()
          && !CONSUMED.contains(name)
          && !SAME.contains(name)
          && !REFUSED.containsKey(name)) {
        dropped.accept(name);
      }
    }
  }

  private void setText(ObjectNode chat, JsonNode text) {
    if (text.hasNonNull("verbosity")) {
      chat.set("verbosity", text.get("verbosity"));
    }
    JsonNode format = text.path("format");
    switch (format.path("type").asText("text")) {
      case "text" -> {}
      case "json_object" -> chat.putObject("response_format").put("type", "json_object");
      case "json_schema" -> {
        if (!format.path("schema").isObject()) {
          throw OpenAiErrors.missing("text.format.schema").asException();
        }
        ObjectNode schema = format.deepCopy();
        schema.remove("type");
        if (!schema.hasNonNull("name")) {
          schema.put("name", "answer");
        }
        chat.putObject("response_format").put("type", "json_schema").set("json_schema", schema);
      }
      case String type -> dropped.accept("text.format." + type);
    }
  }
}
