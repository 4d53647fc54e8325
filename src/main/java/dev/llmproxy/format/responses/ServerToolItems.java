package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The calls of the server's tools: a {@code web_search_call} for a search, and an {@code mcp_call}
 * for any other tool. Tools that run at the same time are shown one after the other.
 */
final class ServerToolItems {
  static final String LABEL = "llmproxy";
  private static final String FAILED = "failed";

  private final ResponseOutput output;
  private final boolean withSources;
  private final Map<String, Waiting> waiting = new LinkedHashMap<>();
  private ObjectNode open;

  /**
   * A call that is under way, or has ended after a later one.
   *
   * @param result null while the tool runs
   */
  private record Waiting(ToolCall call, ToolResult result) {}

  /**
   * @param withSources whether a search names the addresses that it found
   */
  ServerToolItems(ResponseOutput output, boolean withSources) {
    this.output = output;
    this.withSources = withSources;
  }

  /** A tool is about to run. */
  void started(ToolCall call) {
    waiting.put(call.id(), new Waiting(call, null));
    show();
  }

  /** A tool has ended. */
  void ended(ToolCall call, ToolResult result) {
    waiting.put(call.id(), new Waiting(call, result));
    show();
  }

  private void show() {
    while (!waiting.isEmpty()) {
      Waiting first = waiting.values().iterator().next();
      if (open == null) {
        begin(first.call());
      }
      if (first.result() == null) {
        return;
      }
      end(first.result());
      waiting.remove(first.call().id());
      open = null;
    }
  }

  private static boolean isSearch(ObjectNode item) {
    return item.path("type").asText().equals("web_search_call");
  }

  private void begin(ToolCall call) {
    if (call.name().equals(OfferedTools.WEB_SEARCH)) {
      open = output.item("ws", "web_search_call").put("status", ResponseOutput.IN_PROGRESS);
      String query = call.json().path("query").asText("");
      ObjectNode action = open.putObject("action").put("type", "search").put("query", query);
      action.putArray("queries").add(query);
    } else {
      open =
          output
              .item("mcp", "mcp_call")
              .put("status", ResponseOutput.IN_PROGRESS)
              .put("server_label", LABEL)
              .put("name", call.name())
              .put("arguments", call.object())
              .putNull("output")
              .putNull("error")
              .putNull("approval_request_id");
    }
    output.added(open);
    tell(ResponseOutput.IN_PROGRESS);
    if (isSearch(open)) {
      tell("searching");
    }
  }

  private void end(ToolResult result) {
    boolean failed = result.failed();
    open.put("status", failed ? FAILED : ResponseOutput.COMPLETED);
    if (isSearch(open)) {
      if (withSources) {
        ArrayNode sources = open.withObject("/action").putArray("sources");
        result
            .sources()
            .forEach(source -> sources.addObject().put("type", "url").put("url", source.url()));
      }
      // There is no event for a search that failed.
      if (!failed) {
        tell(ResponseOutput.COMPLETED);
      }
    } else {
      open.put(failed ? "error" : "output", result.summary());
      tell(failed ? FAILED : ResponseOutput.COMPLETED);
    }
    output.done(open);
  }

  private void tell(String phase) {
    if (output.streams()) {
      output.send(output.event("response." + open.get("type").textValue() + "." + phase, open));
    }
  }
}
