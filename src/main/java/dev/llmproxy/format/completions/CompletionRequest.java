package dev.llmproxy.format.completions;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.ModelRequest;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.call.TextChange;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.ArrayList;
import java.util.List;

/**
 * A request in the form of OpenAI's CreateCompletionRequest. Some fields are checked. All fields,
 * also unknown ones, go to the provider.
 *
 * @param body the request, always with {@code max_tokens}; never changed
 */
public record CompletionRequest(ObjectNode body) implements ModelRequest {
  private static final String PROMPT = "prompt";
  private static final String SUFFIX = "suffix";
  private static final String MOST_TOKENS = "max_tokens";
  private static final String LOGPROBS = "logprobs";

  /** OpenAI's default. Other servers have others. */
  private static final int USUAL_TOKENS = 16;

  private static final int MOST_LOGPROBS = 20;
  private static final int MOST_CHOICES = 128;

  /** Fields that a chat does not have, or has in another form. */
  private static final List<String> NOT_OF_CHATS =
      List.of(PROMPT, LOGPROBS, "best_of", "echo", MOST_TOKENS);

  /**
   * Parses a request.
   *
   * @param json the request body in UTF-8, or null
   * @throws ApiException 400 that names the invalid field
   */
  public static CompletionRequest parse(byte[] json) {
    RequestBody body = RequestBody.parse(json);
    body.model();
    check(body);
    ObjectNode request = body.json();
    if (!request.hasNonNull(MOST_TOKENS)) {
      request.put(MOST_TOKENS, USUAL_TOKENS);
    }
    return new CompletionRequest(request);
  }

  @Override
  public ModelRequest of(ObjectNode changed) {
    return new CompletionRequest(changed);
  }

  @Override
  public String type() {
    return "chat";
  }

  @Override
  public String model() {
    return body.get("model").textValue();
  }

  /** The prompts, of which there is at least one. */
  public List<String> prompts() {
    JsonNode prompt = body.path(PROMPT);
    return prompt.isTextual()
        ? List.of(prompt.textValue())
        : prompt.valueStream().map(JsonNode::textValue).toList();
  }

  /** The text after the place to fill; empty when there is none. */
  public String suffix() {
    return body.path(SUFFIX).asText("");
  }

  /** Whether the answer repeats the prompt. */
  public boolean echoes() {
    return body.path("echo").asBoolean(false);
  }

  /** The most tokens of the answer. */
  public long mostTokens() {
    return body.path(MOST_TOKENS).asLong();
  }

  @Override
  public String promptText() {
    List<String> texts = new ArrayList<>(prompts());
    if (!suffix().isEmpty()) {
      texts.add(suffix());
    }
    return String.join("\n", texts);
  }

  @Override
  public ModelRequest withTexts(TextChange change) {
    ObjectNode changed = copy();
    if (body.path(PROMPT).isTextual()) {
      changed.put(PROMPT, change.changed(TextChange.USER, prompts().getFirst()));
    } else {
      ArrayNode list = changed.putArray(PROMPT);
      prompts().forEach(one -> list.add(change.changed(TextChange.USER, one)));
    }
    if (!suffix().isEmpty()) {
      changed.put(SUFFIX, change.changed(TextChange.USER, suffix()));
    }
    return changed.equals(body) ? this : of(changed);
  }

  @Override
  public ModelRequest withMostTokens(int most) {
    return mostTokens() <= most ? this : with(MOST_TOKENS, most);
  }

  /**
   * The request as a chat with one user message for each prompt. For providers that answer it as it
   * came, this is the base of estimates.
   */
  ChatRequest chat() {
    ObjectNode chat = copy();
    chat.remove(NOT_OF_CHATS);
    ArrayNode messages = chat.putArray("messages");
    prompts().forEach(prompt -> messages.addObject().put("role", "user").put("content", prompt));
    chat.put(MOST_TOKENS, mostTokens());
    if (prompts().size() > 1) {
      chat.put("n", prompts().size() * body.path("n").asLong(1));
    }
    JsonNode logprobs = body.path(LOGPROBS);
    if (logprobs.isNumber()) {
      chat.put(LOGPROBS, true);
      if (logprobs.intValue() > 0) {
        chat.put("top_logprobs", logprobs.intValue());
      }
    }
    return new ChatRequest(chat);
  }

  /** Leaves out the client's data; the generated method would print the whole body. */
  @Override
  public String toString() {
    return "CompletionRequest";
  }

  private static void check(RequestBody fields) {
    checkPrompt(fields.required(PROMPT));
    fields.optional(SUFFIX, JsonNode::isTextual, "a string");
    fields.optional("echo", JsonNode::isBoolean, "a boolean");
    checkWhole(fields, MOST_TOKENS, Integer.MAX_VALUE);
    checkWhole(fields, LOGPROBS, MOST_LOGPROBS);
    checkWhole(fields, "best_of", MOST_CHOICES);
    ObjectNode alike = Json.object();
    alike.setAll(fields.json());
    alike.remove(NOT_OF_CHATS);
    ChatRequest.checkOptions(new RequestBody(alike));
  }

  private static void checkPrompt(JsonNode prompt) {
    if (prompt.isTextual()) {
      return;
    }
    if (!prompt.isArray()) {
      throw OpenAiErrors.invalidType(PROMPT, "a string or an array of strings").asException();
    }
    if (prompt.isEmpty()) {
      throw OpenAiErrors.invalidValue(PROMPT, "expected at least one prompt.").asException();
    }
    if (prompt.size() > MOST_CHOICES) {
      throw OpenAiErrors.invalidValue(
              PROMPT, "%d prompts are more than %d.".formatted(prompt.size(), MOST_CHOICES))
          .asException();
    }
    if (prompt.valueStream().anyMatch(one -> one.isNumber() || one.path(0).isNumber())) {
      throw OpenAiErrors.invalidValue(
              PROMPT,
              "it consists of tokens, which belong to one model's vocabulary; send the text as a string.")
          .asException();
    }
    if (!prompt.valueStream().allMatch(JsonNode::isTextual)) {
      throw OpenAiErrors.invalidType(PROMPT, "a string or an array of strings").asException();
    }
  }

  private static void checkWhole(RequestBody fields, String name, int most) {
    fields.optional(name, RequestBody::isWhole, "an integer");
    JsonNode value = fields.json().path(name);
    boolean fits = value.canConvertToLong() && value.longValue() >= 0 && value.longValue() <= most;
    if (value.isNumber() && !fits) {
      throw OpenAiErrors.invalidValue(name, "it must be from 0 to %d.".formatted(most))
          .asException();
    }
  }
}
