package dev.llmproxy.provider.anthropic;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.UpstreamErrors;
import dev.llmproxy.provider.openai.ChunkTranslator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Translates Anthropic's answers: each event becomes a chunk in OpenAI's format, which {@link
 * OpenAiStreamTranslator} turns into chat events. The finish reason follows the last event, so an
 * answer without {@code message_stop} is incomplete. One per turn; not thread-safe.
 */
final class MessagesStream extends ChunkTranslator {
  /** Bytes of memory for a character that is stored for later turns. */
  private static final long BYTES_OF_A_CHARACTER = 2;

  private static final int MOST_BLOCKS = 4096;

  /** The HTTP statuses of the types of errors. */
  private static final Map<String, Integer> STATUSES =
      Map.of(
          "invalid_request_error", 400,
          "authentication_error", 401,
          "billing_error", 402,
          "permission_error", 403,
          "not_found_error", 404,
          "request_too_large", 413,
          "rate_limit_error", 429,
          "api_error", 500,
          "timeout_error", 504,
          "overloaded_error", 529);

  private final ChatCall chat;
  private final ToolMemory memory;
  private final String answerTool;
  private final boolean keepsBlocks;
  private final Map<Integer, Block> open = new HashMap<>();
  private final Map<Integer, ObjectNode> blocks = new TreeMap<>();
  private final ObjectNode usage = Json.object();
  private int calls;
  private String stopReason;
  private String explanation;

  /**
   * @param answerTool the tool whose input is the answer, or null
   * @param memory gets the blocks of a turn that calls tools
   */
  MessagesStream(ChatCall chat, String answerTool, ToolMemory memory, ProviderWarnings warnings) {
    super(chat, warnings);
    this.chat = chat;
    this.memory = memory;
    this.answerTool = answerTool;
    keepsBlocks = !chat.turns().body().path("tools").isEmpty();
  }

  @Override
  public List<ChatEvent> translate(JsonNode json) {
    if (over()) {
      return List.of();
    }
    return switch (json.path("type").asText("")) {
      case "message_start" -> takeUsage(json.path("message").path("usage"));
      case "content_block_start" -> begin(index(json), json.path("content_block"));
      case "content_block_delta" -> add(index(json), json.path("delta"));
      case "content_block_stop" -> finish(index(json));
      case "message_delta" -> takeReason(json);
      case "message_stop" -> stop();
      case "message" -> whole(json);
      case "error" -> failed(json.path("error"));
      // New events may come at any time.
      default -> UpstreamErrors.says(json.path("error")) ? failed(json.path("error")) : List.of();
    };
  }

  private static int index(JsonNode event) {
    return event.path("index").asInt();
  }

  /** An answer without streaming. */
  private List<ChatEvent> whole(JsonNode message) {
    List<ChatEvent> events = new ArrayList<>(takeUsage(message.path("usage")));
    int index = 0;
    for (JsonNode block : message.path("content")) {
      events.addAll(begin(index, block));
      events.addAll(finish(index++));
    }
    events.addAll(takeReason(Json.object().set("delta", message)));
    events.addAll(stop());
    return events;
  }

  private List<ChatEvent> begin(int index, JsonNode given) {
    if (blocks.size() + open.size() > MOST_BLOCKS) {
      return chunks.noJson();
    }
    Block block = new Block(given);
    open.put(index, block);
    return switch (block.type) {
      case "text" -> text(block, given.path("text").asText(""));
      case "thinking" -> thought(block, given.path("thinking").asText(""));
      case "tool_use" -> {
        if (block.answers(answerTool)) {
          yield List.of();
        }
        block.call = calls++;
        ObjectNode call = call(block, "").put("id", given.path("id").asText(""));
        call.put("type", "function");
        call.withObject("/function").put("name", given.path("name").asText(""));
        yield callDelta(call);
      }
      default -> List.of();
    };
  }

  private List<ChatEvent> add(int index, JsonNode delta) {
    Block block = open.get(index);
    if (block == null) {
      return List.of();
    }
    return switch (delta.path("type").asText("")) {
      case "text_delta" -> text(block, delta.path("text").asText(""));
      case "thinking_delta" -> thought(block, delta.path("thinking").asText(""));
      case "signature_delta" -> {
        block.signature.append(delta.path("signature").asText(""));
        yield List.of();
      }
      case "input_json_delta" -> input(block, delta.path("partial_json").asText(""));
      default -> List.of();
    };
  }

  private List<ChatEvent> text(Block block, String text) {
    keep(block.text, text, keepsBlocks);
    return text.isEmpty() ? List.of() : delta(Json.object().put("content", text));
  }

  private List<ChatEvent> thought(Block block, String text) {
    keep(block.text, text, true);
    return text.isEmpty() ? List.of() : delta(Json.object().put("reasoning_content", text));
  }

  private List<ChatEvent> input(Block block, String json) {
    if (json.isEmpty()) {
      return List.of();
    }
    block.hasInput = true;
    keep(block.text, json, keepsBlocks);
    return block.answers(answerTool)
        ? delta(Json.object().put("content", json))
        : callDelta(call(block, json));
  }

  private void keep(StringBuilder all, String text, boolean kept) {
    if (kept && !text.isEmpty()) {
      chat.memory().keep(text.length() * BYTES_OF_A_CHARACTER);
      all.append(text);
    }
  }

  private List<ChatEvent> finish(int index) {
    Block block = open.remove(index);
    if (block == null) {
      return List.of();
    }
    List<ChatEvent> events = List.of();
    if (block.type.equals("tool_use") && !block.hasInput) {
      JsonNode input = block.given.path("input");
      events = input(block, input.isObject() ? Json.text(input) : "{}");
    }
    ObjectNode whole = block.whole();
    if (whole == null) {
      return events;
    }
    if (keepsBlocks) {
      blocks.put(index, whole);
    }
    if (block.isThought()) {
      ObjectNode delta = Json.object();
      delta
          .putArray("thinking_blocks")
          .addObject()
          .put("index", chat.turns().nextThought())
          .setAll(whole);
      return delta(delta);
    }
    return events;
  }

  private List<ChatEvent> takeReason(JsonNode event) {
    JsonNode delta = event.path("delta");
    if (delta.path("stop_reason").isTextual()) {
      stopReason = delta.get("stop_reason").textValue();
    }
    if (delta.path("stop_details").path("explanation").isTextual()) {
      explanation = delta.path("stop_details").get("explanation").textValue();
    }
    return takeUsage(event.path("usage"));
  }

  private List<ChatEvent> stop() {
    String reason = stopReason == null ? "end_turn" : stopReason;
    if (reason.equals("tool_use") && calls == 0) {
      // The call of the tool whose input is the answer.
      reason = "end_turn";
    }
    ObjectNode delta = Json.object();
    if (reason.equals("refusal") && explanation != null) {
      delta.put("refusal", explanation);
    }
    List<ChatEvent> events = new ArrayList<>(chunks.translate(chunk(0, delta, reason)));
    rememberTurn();
    events.addAll(chunks.end());
    return events;
  }

  /** Stores a turn with tool calls, because its thoughts must come back unchanged. */
  private void rememberTurn() {
    if (blocks.values().stream().noneMatch(Block::isThought)) {
      return;
    }
    ArrayNode turn = Json.array();
    ArrayNode ids = Json.array();
    blocks
        .values()
        .forEach(block -> {
          turn.add(block);
          if (block.path("type").asText("").equals("tool_use")) {
            ids.add(block.path("id").asText(""));
          }
        });
    memory.keepTurn(chat, ids, turn);
  }

  // --- usage

  /**
   * Merges a report. Reports are sums so far, so a later value replaces an earlier one, and a
   * missing value changes nothing.
   */
  private List<ChatEvent> takeUsage(JsonNode reported) {
    reported
        .properties()
        .forEach(field -> {
          if (field.getValue().isNumber() || field.getValue().isObject()) {
            usage.set(field.getKey(), field.getValue());
          }
        });
    if (usage.isEmpty()) {
      return List.of();
    }
    ObjectNode chunk = Json.object();
    chunk.putArray("choices");
    chunk.set("usage", usage(usage));
    return chunks.translate(chunk);
  }

  /**
   * Converts a usage object. Anthropic's {@code input_tokens} exclude the tokens of the cache;
   * OpenAI's {@code prompt_tokens} include them.
   */
  static ObjectNode usage(JsonNode reported) {
    long written = reported.path("cache_creation_input_tokens").asLong();
    long read = reported.path("cache_read_input_tokens").asLong();
    long prompt = Math.max(0, reported.path("input_tokens").asLong()) + written + read;
    long completion = reported.path("output_tokens").asLong();
    ObjectNode usage =
        Json.object()
            .put("prompt_tokens", prompt)
            .put("completion_tokens", completion)
            .put("total_tokens", prompt + completion);
    usage
        .putObject("prompt_tokens_details")
        .put("cached_tokens", read)
        .put("cache_write_tokens", written);
    JsonNode thinking = reported.path("output_tokens_details").path("thinking_tokens");
    if (thinking.isNumber()) {
      usage.putObject("completion_tokens_details").set("reasoning_tokens", thinking);
    }
    if (reported.path("cache_creation").isObject()) {
      usage.set("cache_creation", reported.get("cache_creation"));
    }
    return usage;
  }

  // --- errors and chunks

  private List<ChatEvent> failed(JsonNode error) {
    JsonNode said = error;
    Integer status = STATUSES.get(error.path("type").asText(""));
    if (status != null && error instanceof ObjectNode object) {
      said = object.deepCopy().put("status", status);
    }
    return chunks.failed(UpstreamErrors.inStream(chat.target().provider(), said));
  }

  private static ObjectNode call(Block block, String arguments) {
    ObjectNode call = Json.object().put("index", block.call);
    call.putObject("function").put("arguments", arguments);
    return call;
  }

  /** A content block that is under way. */
  private static final class Block {
    private final JsonNode given;
    private final String type;
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder signature;
    private int call;
    private boolean hasInput;

    Block(JsonNode given) {
      this.given = given;
      type = given.path("type").asText("");
      signature = new StringBuilder(given.path("signature").asText(""));
    }

    boolean answers(String answerTool) {
      return type.equals("tool_use") && given.path("name").asText("").equals(answerTool);
    }

    boolean isThought() {
      return type.endsWith("thinking");
    }

    static boolean isThought(ObjectNode block) {
      return block.path("type").asText("").endsWith("thinking");
    }

    /** The block as it has to come back in later requests; null for other types. */
    ObjectNode whole() {
      return switch (type) {
        case "text" ->
            text.toString().isBlank()
                ? null
                : Json.object().put("type", type).put("text", text.toString());
        case "thinking" ->
            Json.object()
                .put("type", type)
                .put("thinking", text.toString())
                .put("signature", signature.toString());
        case "redacted_thinking" ->
            Json.object().put("type", type).put("data", given.path("data").asText(""));
        case "tool_use" ->
            Json.object()
                .put("type", type)
                .put("id", given.path("id").asText(""))
                .put("name", given.path("name").asText(""))
                .set("input", parsed());
        default -> null;
      };
    }

    private JsonNode parsed() {
      try {
        return Json.parse(text.toString()) instanceof ObjectNode object ? object : Json.object();
      } catch (JsonProcessingException e) {
        return Json.object();
      }
    }
  }
}
