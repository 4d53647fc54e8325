package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.SearchResult;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import java.util.List;

/**
 * The notification about a server's tool for clients of the OpenAI API. Its fields are {@code
 * tool}, {@code status} (started, completed, failed), {@code query} or {@code arguments}, and
 * {@code call_id}. When the tool has ended, there are also {@code result} (a line for people),
 * {@code duration_ms} and, for a search, {@code results}.
 */
public final class ToolNotification {
  private ToolNotification() {}

  /** A tool is about to run. */
  public static ObjectNode of(ChatEvent.ToolCallStart start) {
    return begun(start.call(), "started");
  }

  /** A tool has ended. */
  public static ObjectNode of(ChatEvent.ToolCallResult end) {
    ToolResult result = end.result();
    ObjectNode notification =
        begun(end.call(), result.status().wireName())
            .put("result", result.summary())
            .put("duration_ms", result.duration().toMillis());
    if (!result.sources().isEmpty()) {
      notification.set("results", results(result.sources()));
    }
    return notification;
  }

  /** The bare form: only {@code tool}, {@code status} and {@code query}. */
  public static ObjectNode bare(ObjectNode notification) {
    return notification.deepCopy().retain("tool", "status", "query");
  }

  /** Search results as a JSON array of objects: {@code title}, {@code url}, {@code snippet}. */
  static JsonNode results(List<SearchResult> results) {
    return Json.tree(results);
  }

  private static ObjectNode begun(ToolCall call, String status) {
    ObjectNode notification = Json.object().put("tool", call.name()).put("status", status);
    JsonNode arguments = call.json();
    if (arguments.size() == 1 && arguments.path("query").isTextual()) {
      notification.set("query", arguments.get("query"));
    } else {
      notification.set("arguments", arguments);
    }
    return notification.put("call_id", call.id());
  }
}
