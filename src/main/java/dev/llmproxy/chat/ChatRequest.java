package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.ModelRequest;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.call.TextChange;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A chat request in the format of OpenAI's CreateChatCompletionRequest. Some fields are checked.
 * All fields, also unknown ones, go to the provider.
 *
 * @param body the request; never changed
 */
public record ChatRequest(ObjectNode body) implements ModelRequest {
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool", "function");
  private static final int MOST_STOPS = 4;
  private static final Map<String, Range> NUMBERS =
      Map.of(
          "temperature", new Range("0", "2"),
          "top_p", new Range("0", "1"),
          "presence_penalty", new Range("-2", "2"),
          "frequency_penalty", new Range("-2", "2"));
  private static final Map<String, Range> WHOLE_NUMBERS =
      Map.of(
          "n", new Range("1", "128"),
          "max_tokens", new Range("1", "2147483647"),
          "max_completion_tokens", new Range("1", "2147483647"),
          "top_logprobs", new Range("0", "20"));

  /**
   * @param json the request body in UTF-8, or null
   * @throws ApiException 400 that names the invalid field
   */
  public static ChatRequest parse(byte[] json) {
    RequestBody body = RequestBody.parse(json);
    body.model();
    ChatRequest request = new ChatRequest(body.json());
    request.check();
    return request;
  }

  @Override
  public ModelRequest of(ObjectNode changed) {
    return new ChatRequest(changed);
  }

  @Override
  public String type() {
    return "chat";
  }

  @Override
  public String promptText() {
    StringBuilder text = new StringBuilder();
    for (JsonNode message : body.path("messages")) {
      if (!text.isEmpty()) {
        text.append('\n');
      }
      text.append(PromptText.of(message.path("content")));
    }
    return text.toString();
  }

  /** The text of the last user message; empty when there is none. */
  public String lastUserText() {
    String last = "";
    for (JsonNode message : body.path("messages")) {
      if (message.path("role").asText("").equals("user")) {
        last = PromptText.of(message.path("content"));
      }
    }
    return last;
  }

  @Override
  public ModelRequest withTexts(TextChange change) {
    ArrayNode messages = Json.array();
    boolean same = true;
    for (JsonNode message : body.path("messages")) {
      ObjectNode changed = PromptText.changed((ObjectNode) message, change);
      same &= changed.equals(message);
      messages.add(changed);
    }
    return same ? this : of(copy().set("messages", messages));
  }

  @Override
  public ModelRequest withMostTokens(int most) {
    ObjectNode changed = copy();
    boolean limited = false;
    for (String name : List.of("max_tokens", "max_completion_tokens")) {
      if (changed.path(name).isNumber()) {
        limited = true;
        changed.put(name, Math.min(changed.path(name).longValue(), most));
      }
    }
    if (!limited) {
      changed.put("max_tokens", most);
    }
    return of(changed);
  }

  /** The requested model id: {@code provider/model}. */
  @Override
  public String model() {
    return body.get("model").textValue();
  }

  /** Whether the client asked for a stream; false by default. */
  public boolean stream() {
    return body.path("stream").asBoolean(false);
  }

  /** Whether the client asked for a usage chunk at the end of the stream. */
  public boolean includeUsage() {
    return body.path("stream_options").path("include_usage").asBoolean(false);
  }

  /** Leaves out the client's data; the generated method would print the whole body. */
  @Override
  public String toString() {
    return "ChatRequest";
  }

  private void check() {
    RequestBody fields = new RequestBody(body);
    checkMessages(fields);
    checkOptions(fields);
  }

  /** Checks the messages of a chat request, in OpenAI's or in another form. */
  public static void checkMessages(RequestBody fields) {
    JsonNode messages = fields.required("messages");
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

  /** Checks all other fields but the model, at the top level or inside another object. */
  public static void checkOptions(RequestBody fields) {
    fields.optional("stream", JsonNode::isBoolean, "a boolean");
    fields.optional("stream_options", JsonNode::isObject, "an object");
    NUMBERS.forEach((name, range) -> checkNumber(fields, name, range, false));
    WHOLE_NUMBERS.forEach((name, range) -> checkNumber(fields, name, range, true));
    fields.optional("tools", JsonNode::isArray, "an array");
    fields.optional("functions", JsonNode::isArray, "an array");
    fields.optional("seed", RequestBody::isWhole, "an integer");
    fields.optional("logprobs", JsonNode::isBoolean, "a boolean");
    fields.optional("logit_bias", JsonNode::isObject, "an object");
    fields.optional("user", JsonNode::isTextual, "a string");
    checkStop(fields);
  }

  private static void checkStop(RequestBody fields) {
    fields.optional(
        "stop", stop -> stop.isTextual() || stop.isArray(), "a string or an array of strings");
    JsonNode stop = fields.json().path("stop");
    String path = fields.path() + "stop";
    if (stop.isArray() && stop.size() > MOST_STOPS) {
      throw OpenAiErrors.invalidValue(path, "at most %d are allowed.".formatted(MOST_STOPS))
          .asException();
    }
    if (stop.isArray() && stop.valueStream().anyMatch(one -> !one.isTextual())) {
      throw OpenAiErrors.invalidType(path, "a string or an array of strings").asException();
    }
  }

  private static void checkMessage(JsonNode message, String path) {
    if (!message.isObject()) {
      throw OpenAiErrors.invalidType(path, "an object").asException();
    }
    JsonNode role = message.path("role");
    if (role.isMissingNode() || role.isNull()) {
      throw OpenAiErrors.missing(path + ".role").asException();
    }
    if (!role.isTextual()) {
      throw OpenAiErrors.invalidType(path + ".role", "a string").asException();
    }
    if (!ROLES.contains(role.textValue())) {
      throw OpenAiErrors.invalidValue(
              path + ".role",
              "'%s' is not one of system, developer, user, assistant, tool, function."
                  .formatted(role.textValue()))
          .asException();
    }
    JsonNode content = message.path("content");
    if (!(content.isMissingNode()
        || content.isNull()
        || content.isTextual()
        || content.isArray())) {
      throw OpenAiErrors.invalidType(path + ".content", "a string or an array of content parts")
          .asException();
    }
  }

  private static void checkNumber(RequestBody fields, String name, Range range, boolean whole) {
    fields.optional(
        name, whole ? RequestBody::isWhole : JsonNode::isNumber, whole ? "an integer" : "a number");
    JsonNode value = fields.json().path(name);
    if (value.isNumber() && !range.holds(value.decimalValue())) {
      throw OpenAiErrors.invalidValue(
              fields.path() + name, "it must be from %s to %s.".formatted(range.least, range.most))
          .asException();
    }
  }

  private record Range(BigDecimal least, BigDecimal most) {
    Range(String least, String most) {
      this(new BigDecimal(least), new BigDecimal(most));
    }

    boolean holds(BigDecimal value) {
      return value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
    }
  }
}
