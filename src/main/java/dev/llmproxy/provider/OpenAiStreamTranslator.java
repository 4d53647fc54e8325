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
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Makes chat events of the stream of a provider that speaks OpenAI's format more or less: fills in
 * what it omits and repairs what would kill clients, and leaves every other field as it is. Made
 * for one request and not thread-safe.
 */
final class OpenAiStreamTranslator {
  private static final Set<String> SERVICE_TIERS =
      Set.of("auto", "default", "flex", "scale", "priority", "fast");

  /** Finish reasons of answers that a provider gave up; vLLM says abort. */
  private static final Set<String> FAILURES = Set.of("error", "abort", "cancelled");

  private final ChatCall chat;
  private final String provider;
  private final Map<Integer, ChoiceState> choices = new TreeMap<>();
  private String id;
  private Long created;
  private ObjectNode usage;
  private boolean over;
  private boolean whole;

  OpenAiStreamTranslator(ChatCall chat) {
    this.chat = chat;
    this.provider = chat.target().provider().name();
  }

  /** Whether the last event has been given. */
  boolean over() {
    return over;
  }

  /** Whether the answer has ended as it should. */
  boolean whole() {
    return whole;
  }

  /** The chat events of one server-sent event: none, one or several. */
  List<ChatEvent> translate(SseEvent event) {
    if (over) {
      return List.of();
    }
    String data = event.data().strip();
    if (data.equals("[DONE]")) {
      return done();
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
      return List.of(failed(UpstreamErrors.inStream(chat.target().provider(), json.get("error"))));
    }
    if ("error".equals(event.name())) {
      return List.of(failed(UpstreamErrors.inStream(chat.target().provider(), json)));
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
    whole = true;
    return List.of(new ChatEvent.Complete(usage != null ? usage : Usage.estimateOfTurn(chat)));
  }

  /**
   * A choice whose last word was an empty finish reason has ended here: before the end, some
   * providers mean null by it.
   */
  private List<ChatEvent> done() {
    ObjectNode chunk = Json.object();
    ArrayNode ended = chunk.putArray("choices");
    choices.forEach((index, choice) -> {
      if (choice.ended()) {
        ObjectNode last = ended.addObject().put("index", index);
        last.putObject("delta");
        last.putNull("logprobs").put("finish_reason", choice.finish(""));
      }
    });
    List<ChatEvent> events = new ArrayList<>();
    if (!ended.isEmpty()) {
      fillHead(chunk);
      events.add(new ChatEvent.Delta(chunk));
    }
    events.addAll(end());
    return events;
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
    ArrayNode live = Json.array();
    JsonNode sent = chunk.path("choices");
    for (int i = 0; i < sent.size(); i++) {
      if (sent.get(i) instanceof ObjectNode choice) {
        int index = choice.path("index").isInt() ? choice.get("index").intValue() : i;
        ChoiceState state =
            choices.computeIfAbsent(index, key -> new ChoiceState(this::ownToolCallId));
        if (FAILURES.contains(choice.path("finish_reason").asText(""))) {
          return List.of(
              failed(UpstreamErrors.inStream(chat.target().provider(), choice.path("error"))));
        }
        if (!state.finished) {
          repairChoice(choice.put("index", index), state);
          live.add(choice);
        }
      }
    }
    if (live.isEmpty()) {
      return List.of();
    }
    chunk.set("choices", live);
    fillHead(chunk);
    return List.of(new ChatEvent.Delta(chunk));
  }

  /** Each one once in the whole chat, and no longer than the 40 characters that OpenAI takes. */
  private String ownToolCallId() {
    return "call_" + chat.requestId() + "_" + chat.turns().nextOwnCall();
  }

  private void takeUsage(ObjectNode chunk) {
    JsonNode reported = chunk.remove("usage");
    if (reported == null || !reported.isObject()) {
      // Groq puts it there.
      reported = chunk.path("x_groq").path("usage");
    }
    if (reported.isObject()) {
      usage = Usage.whole((ObjectNode) reported.deepCopy());
      chat.turns().report(usage);
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

  private static void repairChoice(ObjectNode choice, ChoiceState state) {
    ObjectNode delta =
        choice.get("delta") instanceof ObjectNode object ? object : choice.putObject("delta");
    if (delta.get("tool_calls") instanceof ArrayNode calls) {
      calls.removeIf(call -> !call.isObject());
    } else if (delta.hasNonNull("tool_calls")) {
      delta.remove("tool_calls");
    }
    if (!state.begun) {
      state.begun = true;
      delta.put("role", "assistant");
      if (!delta.has("content")) {
        delta.put("content", delta.hasNonNull("tool_calls") ? null : "");
      }
    } else if (delta.path("role").asText("").isEmpty()) {
      delta.remove("role");
    }
    if (delta.get("tool_calls") instanceof ArrayNode calls) {
      for (JsonNode call : calls) {
        if (call instanceof ObjectNode fragment) {
          state.repairToolCall(fragment);
        }
      }
    }
    JsonNode reason = choice.path("finish_reason");
    state.lastReasonEmpty = reason.isTextual() && reason.textValue().isEmpty();
    if (reason.isTextual() && !state.lastReasonEmpty) {
      choice.put("finish_reason", state.finish(reason.textValue()));
    } else {
      choice.putNull("finish_reason");
    }
  }

  private static final class ChoiceState {
    private final Supplier<String> ownToolCallIds;
    private final List<ToolCall> toolCalls = new ArrayList<>();
    private final Map<Integer, Integer> lastWithIndex = new TreeMap<>();
    private int lastToolCall;
    private boolean begun;
    private boolean lastReasonEmpty;
    private boolean finished;

    ChoiceState(Supplier<String> ownToolCallIds) {
      this.ownToolCallIds = ownToolCallIds;
    }

    /** Whether nothing is missing but the name of its finish reason. */
    boolean ended() {
      return lastReasonEmpty && !finished;
    }

    /** The reason among those that clients know; the choice has no more chunks after it. */
    String finish(String reason) {
      finished = true;
      return switch (reason.toLowerCase(Locale.ROOT)) {
        case "length", "max_tokens", "max_output_tokens", "model_length" -> "length";
        case "content_filter", "safety", "recitation", "refusal" -> "content_filter";
        case "tool_calls", "tool_call", "tool_use" -> "tool_calls";
        case "function_call" -> "function_call";
        default -> toolCalls.isEmpty() ? "stop" : "tool_calls";
      };
    }

    void repairToolCall(ObjectNode fragment) {
      lastToolCall = toolCallOf(fragment);
      if (lastToolCall == toolCalls.size()) {
        String id = ToolCall.id(fragment);
        boolean own = id.isEmpty() || withId(id, lastToolCall) >= 0;
        toolCalls.add(new ToolCall(own ? ownToolCallIds.get() : id));
      }
      if (fragment.path("index").isInt()) {
        lastWithIndex.put(fragment.get("index").intValue(), lastToolCall);
      }
      toolCalls.get(lastToolCall).repair(fragment);
      fragment.put("index", lastToolCall);
    }

    /**
     * The place of the call that a fragment belongs to: the one with its id, else with its index,
     * else the one before. An id that is new under a used index begins another call, as does a name
     * without either, and a name under a new index although the id is used under another.
     */
    private int toolCallOf(ObjectNode fragment) {
      String id = ToolCall.id(fragment);
      boolean indexed = fragment.path("index").isInt();
      boolean names = !ToolCall.name(fragment).isEmpty();
      int known =
          indexed
              ? lastWithIndex.getOrDefault(fragment.get("index").intValue(), toolCalls.size())
              : lastToolCall;
      int same = withId(id, known);
      if (same >= 0) {
        boolean newIndex = known == toolCalls.size() && lastWithIndex.containsValue(same);
        return names && newIndex ? known : same;
      }
      if (known == toolCalls.size()) {
        return known;
      }
      ToolCall call = toolCalls.get(known);
      boolean other = !id.isEmpty() && !call.id.isEmpty();
      boolean unmarked = id.isEmpty() && !indexed;
      return other || (unmarked && call.named && names) ? toolCalls.size() : known;
    }

    /** The place of the call that the provider gave an id: the known one, else the last; or -1. */
    private int withId(String id, int known) {
      if (id.isEmpty()) {
        return -1;
      }
      if (known < toolCalls.size() && toolCalls.get(known).id.equals(id)) {
        return known;
      }
      int place = toolCalls.size() - 1;
      while (place >= 0 && !toolCalls.get(place).id.equals(id)) {
        place--;
      }
      return place;
    }
  }

  private static final class ToolCall {
    private final String shownId;
    private String id = "";
    private boolean begun;
    private boolean named;

    /**
     * @param shownId what it is known by outside this stream, which may have its id more than once
     */
    ToolCall(String shownId) {
      this.shownId = shownId;
    }

    static String id(ObjectNode fragment) {
      return fragment.path("id").asText("");
    }

    static String name(ObjectNode fragment) {
      return fragment.path("function").path("name").asText("");
    }

    /** Id, type and name are said once; arguments are pieces of text. */
    void repair(ObjectNode fragment) {
      if (id.isEmpty()) {
        id = id(fragment);
      }
      if (begun) {
        fragment.remove(List.of("id", "type"));
      } else {
        begun = true;
        fragment.put("id", shownId);
        if (fragment.path("type").asText("").isEmpty()) {
          fragment.put("type", "function");
        }
      }
      boolean alreadyNamed = named;
      named |= !name(fragment).isEmpty();
      if (fragment.get("function") instanceof ObjectNode function) {
        if (alreadyNamed) {
          function.remove("name");
        }
        JsonNode arguments = function.path("arguments");
        if (arguments.isMissingNode() || arguments.isNull()) {
          function.put("arguments", "");
        } else if (!arguments.isTextual()) {
          function.put("arguments", Json.text(arguments));
        }
      }
    }
  }
}
