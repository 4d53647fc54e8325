package dev.llmproxy.provider.gemini;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.UpstreamErrors;
import dev.llmproxy.provider.openai.ChunkTranslator;
import dev.llmproxy.provider.openai.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Translates Gemini's answers: each response of a stream becomes chunks in OpenAI's format, which
 * {@link OpenAiStreamTranslator} turns into chat events. One per turn; not thread-safe.
 */
final class GenerateStream extends ChunkTranslator {
  private static final String AUDIO_TOKENS = "audio_tokens";

  /** Finish reasons of a model that has failed, after which another attempt may succeed. */
  private static final Set<String> MALFORMED =
      Set.of(
          "MALFORMED_FUNCTION_CALL",
          "UNEXPECTED_TOOL_CALL",
          "MALFORMED_RESPONSE",
          "TOO_MANY_TOOL_CALLS",
          "MISSING_THOUGHT_SIGNATURE");

  /** Bytes of memory for a character that is stored for later turns. */
  private static final long BYTES_OF_A_CHARACTER = 2;

  private final ChatCall chat;
  private final ToolMemory memory;
  private final Map<String, String> names;
  private final boolean keepsParts;
  private final ArrayNode parts = Json.array();
  private final ArrayNode ids = Json.array();
  private int calls;
  private int images;
  private boolean signed;
  private boolean spoke;
  private boolean malformed;

  /**
   * @param names the client's names of tools, by Google's, where they differ
   * @param memory gets the parts of a turn that calls tools
   */
  GenerateStream(
      ChatCall chat, Map<String, String> names, ToolMemory memory, ProviderWarnings warnings) {
    super(chat, warnings);
    this.chat = chat;
    this.names = names;
    this.memory = memory;
    keepsParts = !chat.turns().body().path("tools").isEmpty();
  }

  /** Whether the model has failed before it has said anything, so that it can be asked again. */
  boolean failedAtOnce() {
    return malformed && !spoke;
  }

  @Override
  public List<ChatEvent> end() {
    List<ChatEvent> events = chunks.end();
    if (chunks.whole() && signed) {
      memory.keepTurn(chat, ids, parts);
    }
    return events;
  }

  /** Google sends some answers as an array. */
  @Override
  protected boolean reads(JsonNode json) {
    return json.isContainerNode();
  }

  @Override
  public List<ChatEvent> translate(JsonNode json) {
    if (over()) {
      return List.of();
    }
    if (json.isArray()) {
      List<ChatEvent> events = new ArrayList<>();
      json.forEach(each -> events.addAll(translate(each)));
      return events;
    }
    if (UpstreamErrors.says(json.path("error"))) {
      return chunks.failed(UpstreamErrors.inStream(chat.target().provider(), json.path("error")));
    }
    List<ChatEvent> events = new ArrayList<>();
    int position = 0;
    for (JsonNode candidate : json.path("candidates")) {
      int index = candidate.path("index").asInt(position++);
      for (JsonNode part : candidate.path("content").path("parts")) {
        events.addAll(part(index, part));
      }
      String reason = candidate.path("finishReason").textValue();
      if (reason != null) {
        events.addAll(finish(index, reason, candidate.path("finishMessage").textValue()));
      }
    }
    JsonNode feedback = json.path("promptFeedback");
    if (feedback.path("blockReason").isTextual()) {
      String message = feedback.path("blockReasonMessage").textValue();
      events.addAll(
          finish(
              0,
              "PROHIBITED_CONTENT",
              message == null
                  ? "The prompt was blocked: " + feedback.get("blockReason").textValue()
                  : message));
    }
    events.addAll(usage(json.path("usageMetadata")));
    return events;
  }

  private List<ChatEvent> part(int index, JsonNode part) {
    String signature = part.path("thoughtSignature").textValue();
    ObjectNode delta = Json.object();
    if (part.path("functionCall").isObject()) {
      call(delta, index, part, signature);
    } else {
      keep(index, part, part);
      String text = part.path("text").asText("");
      if (part.path("thought").asBoolean()) {
        delta.put("reasoning_content", text);
      } else if (!text.isEmpty()) {
        delta.put("content", text);
      }
      if (part.path("inlineData").has("data")) {
        ObjectNode image = delta.putArray("images").addObject().put("index", images++);
        image.put("type", "image_url");
        image
            .putObject("image_url")
            .put(
                "url",
                "data:%s;base64,%s"
                    .formatted(
                        part.path("inlineData").path("mimeType").asText("image/png"),
                        part.path("inlineData").path("data").asText("")));
      }
      if (signature != null) {
        delta.set("extra_content", extra(signature));
      }
    }
    if (delta.isEmpty()) {
      return List.of();
    }
    spoke = true;
    return chunks.translate(chunk(index, delta, null));
  }

  private void call(ObjectNode delta, int index, JsonNode part, String signature) {
    JsonNode said = part.get("functionCall");
    String id = said.path("id").asText("");
    if (id.isEmpty()) {
      id = chat.newToolCallId();
    }
    ObjectNode kept = part.deepCopy();
    ((ObjectNode) kept.get("functionCall")).put("id", id);
    keep(index, part, kept);
    if (index == 0) {
      ids.add(id);
    }
    String name = said.path("name").asText("");
    ObjectNode call = delta.putArray("tool_calls").addObject().put("index", calls++);
    call.put("id", id).put("type", "function");
    call.putObject("function")
        .put("name", names.getOrDefault(name, name))
        .put("arguments", said.path("args").isObject() ? Json.text(said.get("args")) : "{}");
    if (signature != null) {
      call.set("extra_content", extra(signature));
    }
  }

  /** Stores a part of the first answer for a later turn. Thoughts need not come back. */
  private void keep(int index, JsonNode part, JsonNode kept) {
    if (!keepsParts || index != 0 || part.path("thought").asBoolean()) {
      return;
    }
    signed |= part.path("thoughtSignature").isTextual();
    boolean empty =
        !part.has("functionCall")
            && !part.has("thoughtSignature")
            && part.path("text").asText("").isEmpty();
    if (!empty) {
      chat.memory().keep(Json.text(kept).length() * BYTES_OF_A_CHARACTER);
      addKept(kept);
    }
  }

  /** Joins pieces of one text; a signed part stays as it is. */
  private void addKept(JsonNode part) {
    boolean joins =
        part.size() == 1
            && part.has("text")
            && parts.path(parts.size() - 1).size() == 1
            && parts.path(parts.size() - 1).has("text");
    if (joins) {
      ObjectNode last = (ObjectNode) parts.get(parts.size() - 1);
      last.put("text", last.get("text").textValue() + part.get("text").asText());
    } else {
      parts.add(part.deepCopy());
    }
  }

  private static ObjectNode extra(String signature) {
    ObjectNode extra = Json.object();
    extra.putObject("google").put("thought_signature", signature);
    return extra;
  }

  private List<ChatEvent> finish(int index, String reason, String message) {
    boolean failed = MALFORMED.contains(reason);
    if (failed || (!spoke && FinishReason.of(reason).compareTo(FinishReason.FAILED) >= 0)) {
      malformed |= failed;
      return chunks.failed(
          OpenAiErrors.upstream(
                  "The provider `%s` gave its answer up, with the finish reason `%s`%s"
                      .formatted(
                          chat.target().provider().name(),
                          reason,
                          message == null ? "." : ": " + message))
              .because(new ApiError.Upstream(0, "finish reason " + reason)));
    }
    ObjectNode delta = Json.object();
    if (message != null && FinishReason.of(reason) == FinishReason.CONTENT_FILTER) {
      delta.put("refusal", message);
    }
    return chunks.translate(chunk(index, delta, reason));
  }

  private List<ChatEvent> usage(JsonNode reported) {
    if (over() || reported.isEmpty()) {
      return List.of();
    }
    ObjectNode chunk = Json.object();
    chunk.putArray("choices");
    chunk.set("usage", usageOf(reported));
    return chunks.translate(chunk);
  }

  /**
   * Converts a usage object. Gemini's {@code promptTokenCount} includes the tokens of the cache;
   * its {@code candidatesTokenCount} excludes thoughts, OpenAI's {@code completion_tokens} include
   * them. Tokens of sounds have prices of their own; those that the cache has are not among them.
   */
  static ObjectNode usageOf(JsonNode reported) {
    long prompt =
        reported.path("promptTokenCount").asLong()
            + reported.path("toolUsePromptTokenCount").asLong();
    long thoughts = reported.path("thoughtsTokenCount").asLong();
    long completion = reported.path("candidatesTokenCount").asLong() + thoughts;
    ObjectNode usage =
        Json.object()
            .put("prompt_tokens", prompt)
            .put("completion_tokens", completion)
            .put(
                "total_tokens",
                Math.max(reported.path("totalTokenCount").asLong(), prompt + completion));
    ObjectNode promptDetails =
        usage
            .putObject("prompt_tokens_details")
            .put("cached_tokens", reported.path("cachedContentTokenCount").asLong());
    ObjectNode completionDetails =
        usage.putObject("completion_tokens_details").put("reasoning_tokens", thoughts);
    long heard =
        sounds(reported.path("promptTokensDetails"))
            + sounds(reported.path("toolUsePromptTokensDetails"))
            - sounds(reported.path("cacheTokensDetails"));
    if (heard > 0) {
      promptDetails.put(AUDIO_TOKENS, heard);
    }
    long spoken = sounds(reported.path("candidatesTokensDetails"));
    if (spoken > 0) {
      completionDetails.put(AUDIO_TOKENS, spoken);
    }
    return usage;
  }

  /** The tokens of sounds in a list of {@code ModalityTokenCount}. */
  private static long sounds(JsonNode details) {
    long tokens = 0;
    for (JsonNode each : details) {
      if (each.path("modality").asText().equals("AUDIO")) {
        tokens += each.path("tokenCount").asLong();
      }
    }
    return tokens;
  }
}
