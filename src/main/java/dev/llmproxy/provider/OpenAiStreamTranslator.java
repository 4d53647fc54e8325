package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.api.ApiError;
import dev.llmproxy.api.OpenAiErrors;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.stream.SseEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Makes chat events of the stream of a provider that speaks OpenAI's format more or less: fills in
 * what it omits and repairs what would kill clients, and leaves every other field as it is. Made
 * for one request and not thread-safe.
 */
final class OpenAiStreamTranslator {
  private static final Set<String> SERVICE_TIERS =
      Set.of("auto", "default", "flex", "scale", "priority", "fast");

  private final ChatCall chat;
  private final String provider;
  private final Map<Integer, ChoiceState> choices = new TreeMap<>();
  private String id;
  private Long created;
  private ObjectNode usage;
  private boolean over;

  OpenAiStreamTranslator(ChatCall chat) {
    this.chat = chat;
    this.provider = chat.target().provider().name();
  }

  /** Whether the last event has been given. */
  boolean over() {
    return over;
  }

  /** The chat events of one server-sent event: none, one or several. */
  List<ChatEvent> translate(SseEvent event) {
    if (over) {
      return List.of();
    }
    String data = event.data().strip();
    if (data.equals("[DONE]")) {
      return end();
    }
    if (data.isEmpty()) {
      return List.of();
    }
    JsonNode json;
    try {
      json = Json.parse(data);
    } catch (JsonProcessingException e) {
      return List.of(
          failed(
              OpenAiErrors.upstream(
                  "The provider `%s` sent something that is no JSON.".formatted(provider))));
    }
    if (json.hasNonNull("error")) {
      return List.of(failed(UpstreamErrors.inStream(provider, json.get("error"))));
    }
    if (!(json instanceof ObjectNode chunk)) {
      return List.of(
          failed(
              OpenAiErrors.upstream(
                  "The provider `%s` sent something that is no chunk.".formatted(provider))));
    }
    return chunk(chunk);
  }

  /**
   * The events of the stream's end: an answer without a finish reason is not whole, however clean
   * its end.
   */
  List<ChatEvent> end() {
    if (over) {
      return List.of();
    }
    if (choices.isEmpty() || choices.values().stream().anyMatch(choice -> !choice.finished)) {
      return List.of(
          failed(
              OpenAiErrors.upstream(
                  "The provider `%s` ended its answer before it was whole.".formatted(provider))));
    }
    over = true;
    return List.of(new ChatEvent.Complete(usage != null ? usage : Usage.estimate(chat)));
  }

  /** The event for a connection that broke or went silent. */
  ChatEvent broken(IOException cause) {
    return failed(OpenAiErrors.of(cause, provider));
  }

  private ChatEvent failed(ApiError error) {
    over = true;
    return new ChatEvent.Failed(error);
  }

  private List<ChatEvent> chunk(ObjectNode chunk) {
    takeUsage(chunk);
    List<ChatEvent> events = new ArrayList<>(1);
    if (chunk.path("choices").isArray() && !chunk.path("choices").isEmpty()) {
      fillHead(chunk);
      ArrayNode list = (ArrayNode) chunk.get("choices");
      for (int i = 0; i < list.size(); i++) {
        if (list.get(i) instanceof ObjectNode choice) {
          ApiError error = repairChoice(choice, i);
          if (error != null) {
            return List.of(failed(error));
          }
        }
      }
      events.add(new ChatEvent.Delta(chunk));
    }
    return events;
  }

  private void takeUsage(ObjectNode chunk) {
    JsonNode reported = chunk.remove("usage");
    if (reported == null || !reported.isObject()) {
      // Groq puts it there.
      reported = chunk.path("x_groq").path("usage");
    }
    if (reported.isObject()) {
      usage = Usage.whole((ObjectNode) reported.deepCopy());
    }
  }

  private void fillHead(ObjectNode chunk) {
    if (id == null) {
      id =
          chunk.path("id").asText("").isEmpty()
              ? "chatcmpl-" + chat.requestId()
              : chunk.get("id").asText();
      created =
          chunk.path("created").isNumber()
              ? chunk.get("created").longValue()
              : chat.started().getEpochSecond();
    }
    chunk.put("id", id).put("object", "chat.completion.chunk").put("created", created);
    chunk.put("model", chat.target().modelId());
    if (chunk.has("service_tier") && !SERVICE_TIERS.contains(chunk.get("service_tier").asText())) {
      chunk.remove("service_tier");
    }
  }

  private ApiError repairChoice(ObjectNode choice, int position) {
    if (!choice.path("index").isInt()) {
      choice.put("index", position);
    }
    ObjectNode delta =
        choice.get("delta") instanceof ObjectNode object ? object : choice.putObject("delta");
    ChoiceState state =
        choices.computeIfAbsent(choice.get("index").intValue(), index -> new ChoiceState());
    if (!state.begun) {
      state.begun = true;
      delta.put("role", "assistant");
      if (!delta.has("content")) {
        delta.put("content", delta.has("tool_calls") ? null : "");
      }
    }
    if (delta.get("tool_calls") instanceof ArrayNode calls) {
      for (int i = 0; i < calls.size(); i++) {
        if (calls.get(i) instanceof ObjectNode call) {
          state.repairToolCall(call, i);
        }
      }
    }
    JsonNode reason = choice.path("finish_reason");
    if (!reason.isTextual()) {
      choice.putNull("finish_reason");
    } else if (reason.textValue().equals("error")) {
      return UpstreamErrors.inStream(provider, choice.path("error"));
    } else if (!reason.textValue().isEmpty() || delta.path("content").asText("").isEmpty()) {
      state.finished = true;
      choice.put("finish_reason", finishReason(reason.textValue(), state.toolCalls()));
    } else {
      choice.putNull("finish_reason");
    }
    return null;
  }

  private static String finishReason(String reason, boolean toolCalls) {
    return switch (reason) {
      case "length", "content_filter", "function_call", "tool_calls" -> reason;
      case "max_tokens", "max_output_tokens", "model_length", "MAX_TOKENS" -> "length";
      case "tool_use", "tool_call" -> "tool_calls";
      case "safety", "recitation", "SAFETY", "RECITATION", "refusal" -> "content_filter";
      default -> toolCalls ? "tool_calls" : "stop";
    };
  }

  private static final class ChoiceState {
    private final List<String> toolCallIds = new ArrayList<>();
    private final Map<Integer, Integer> lastWithIndex = new TreeMap<>();
    private boolean begun;
    private boolean finished;

    boolean toolCalls() {
      return !toolCallIds.isEmpty();
    }

    /**
     * Every fragment gets the index of its call; an id that is new under a used index is another
     * call.
     */
    void repairToolCall(ObjectNode call, int position) {
      String id = call.path("id").asText("");
      int claimed =
          call.path("index").isInt() ? call.get("index").intValue() : claimedByOrder(id, position);
      Integer known = lastWithIndex.get(claimed);
      int index;
      if (!id.isEmpty() && toolCallIds.contains(id)) {
        index = toolCallIds.indexOf(id);
      } else if (known == null || (!id.isEmpty() && !toolCallIds.get(known).isEmpty())) {
        index = toolCallIds.size();
        toolCallIds.add(id);
        call.put("type", "function");
      } else {
        index = known;
      }
      lastWithIndex.put(claimed, index);
      call.put("index", index);
      if (call.get("function") instanceof ObjectNode function) {
        JsonNode arguments = function.path("arguments");
        if (arguments.isObject()) {
          function.put("arguments", Json.text(arguments));
        } else if (!arguments.isTextual()) {
          function.put("arguments", "");
        }
      }
    }

    private int claimedByOrder(String id, int position) {
      return id.isEmpty() && !toolCallIds.isEmpty()
          ? lastWithIndex.size() - 1
          : lastWithIndex.size() + position;
    }
  }
}
