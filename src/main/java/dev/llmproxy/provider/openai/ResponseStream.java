package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.UpstreamErrors;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads an answer of OpenAI's Responses API as chat events: texts, thoughts, calls, usage and end.
 * An answer without its last event is incomplete. One per turn; not thread-safe.
 *
 * @see <a href="https://platform.openai.com/docs/api-reference/responses-streaming">The events</a>
 */
final class ResponseStream extends ChunkTranslator {
  private final ChatCall chat;

  /** The place of a call in the answer, by the place of its item. */
  private final Map<Integer, Integer> calls = new HashMap<>();

  ResponseStream(ChatCall chat, ProviderWarnings warnings) {
    super(chat, warnings);
    this.chat = chat;
  }

  @Override
  public List<ChatEvent> translate(JsonNode json) {
    if (over()) {
      return List.of();
    }
    if (json.path("object").asText("").equals("response")) {
      return whole(json);
    }
    return switch (json.path("type").asText("")) {
      case "response.output_text.delta" -> text("content", json);
      case "response.refusal.delta" -> text("refusal", json);
      case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" ->
          text("reasoning_content", json);
      case "response.output_item.added" -> begin(place(json), json.path("item"));
      case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta" ->
          arguments(place(json), json.path("delta").asText(""));
      case "response.completed", "response.incomplete" -> end(json.path("response"));
      case "response.failed" -> failed(json.path("response").path("error"));
      case "error" -> failed(json.path("error").isObject() ? json.path("error") : json);
      // New events may come at any time.
      default -> UpstreamErrors.says(json.path("error")) ? failed(json.path("error")) : List.of();
    };
  }

  private static int place(JsonNode event) {
    return event.path("output_index").asInt();
  }

  /** An answer without streaming. */
  private List<ChatEvent> whole(JsonNode response) {
    if (response.path("status").asText("").equals("failed")) {
      return failed(response.path("error"));
    }
    List<ChatEvent> events = new ArrayList<>();
    int place = 0;
    for (JsonNode item : response.path("output")) {
      item.path("summary").forEach(part -> events.addAll(part("reasoning_content", part, "text")));
      for (JsonNode part : item.path("content")) {
        events.addAll(part("content", part, "text"));
        events.addAll(part("refusal", part, "refusal"));
      }
      events.addAll(begin(place, item));
      events.addAll(arguments(place++, arguments(item)));
    }
    events.addAll(end(response));
    return events;
  }

  private static String arguments(JsonNode item) {
    return item.path("arguments").asText(item.path("input").asText(""));
  }

  private List<ChatEvent> part(String field, JsonNode part, String name) {
    String text = part.path(name).asText("");
    return text.isEmpty() ? List.of() : delta(Json.object().put(field, text));
  }

  private List<ChatEvent> text(String field, JsonNode event) {
    return part(field, event, "delta");
  }

  private List<ChatEvent> begin(int place, JsonNode item) {
    return switch (item.path("type").asText("")) {
      case "function_call", "custom_tool_call" -> {
        calls.put(place, calls.size());
        ObjectNode call = call(place, "").put("id", item.path("call_id").asText(""));
        call.put("type", "function");
        call.withObject("/function").put("name", item.path("name").asText(""));
        yield callDelta(call);
      }
      default -> List.of();
    };
  }

  private List<ChatEvent> arguments(int place, String piece) {
    return piece.isEmpty() || !calls.containsKey(place) ? List.of() : callDelta(call(place, piece));
  }

  private List<ChatEvent> end(JsonNode response) {
    String reason = calls.isEmpty() ? "stop" : "tool_calls";
    if (response.path("status").asText("").equals("incomplete")) {
      String why = response.path("incomplete_details").path("reason").asText("");
      reason = why.equals("content_filter") ? why : "length";
    }
    ObjectNode last = chunk(0, Json.object(), reason);
    if (response.path("usage").isObject()) {
      last.set("usage", usage(response.path("usage")));
    }
    List<ChatEvent> events = new ArrayList<>(chunks.translate(last));
    events.addAll(chunks.end());
    return events;
  }

  private static ObjectNode usage(JsonNode reported) {
    ObjectNode usage =
        Json.object()
            .put("prompt_tokens", reported.path("input_tokens").asLong())
            .put("completion_tokens", reported.path("output_tokens").asLong())
            .put("total_tokens", reported.path("total_tokens").asLong());
    if (reported.path("input_tokens_details").isObject()) {
      usage.set("prompt_tokens_details", reported.get("input_tokens_details"));
    }
    if (reported.path("output_tokens_details").isObject()) {
      usage.set("completion_tokens_details", reported.get("output_tokens_details"));
    }
    return usage;
  }

  private List<ChatEvent> failed(JsonNode error) {
    return chunks.failed(UpstreamErrors.inStream(chat.target().provider(), error));
  }

  private ObjectNode call(int place, String arguments) {
    ObjectNode call = Json.object().put("index", calls.get(place));
    call.putObject("function").put("arguments", arguments);
    return call;
  }
}
