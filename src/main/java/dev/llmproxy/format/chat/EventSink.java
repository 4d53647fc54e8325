package dev.llmproxy.format.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.http.Reply;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Writes chat events as named server-sent events in the flat forms of docs/chat.md. The head is
 * sent with the first event, so that an earlier failure still gets an HTTP status. The last event
 * is {@code complete} or {@code error}.
 */
public final class EventSink {
  private final KeepAlive keepAlive;

  public EventSink(KeepAlive keepAlive) {
    this.keepAlive = keepAlive;
  }

  /** Writes events that have arrived together. The chat's accumulator has already added them. */
  public void write(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    ChatCall chat = context.callAs(ChatCall.class);
    Reply reply = context.answering(exchange);
    events.forEach(event -> write(event, chat, reply));
    reply.flush();
  }

  private void write(ChatEvent event, ChatCall chat, Reply reply) {
    switch (event) {
      case ChatEvent.Delta delta -> pieces(reply, delta);
      case ChatEvent.ServerToolDelta call -> {}
      case ChatEvent.Passed passed -> {}
      case ChatEvent.ToolCallStart start -> send(reply, start.name(), start(start.call()));
      case ChatEvent.ToolCallResult result -> send(reply, result.name(), result(result.result()));
      case ChatEvent.Complete complete -> {
        send(reply, complete.name(), complete(chat, complete.usage()));
        reply.end();
      }
      case ChatEvent.Failed failed -> reply.fail(failed.error());
    }
  }

  /** Writes the texts of the first choice; the form allows only one. */
  private void pieces(Reply reply, ChatEvent.Delta event) {
    for (JsonNode choice : event.chunk().path("choices")) {
      if (choice.path("index").asInt() == 0) {
        JsonNode delta = choice.path("delta");
        // Some providers send the same text in both fields.
        String thinking = delta.path("reasoning_content").asText("");
        piece(
            reply, "thinking", thinking.isEmpty() ? delta.path("reasoning").asText("") : thinking);
        piece(reply, event.name(), delta.path("content").asText(""));
        piece(reply, event.name(), delta.path("refusal").asText(""));
      }
    }
  }

  private void piece(Reply reply, String name, String text) {
    if (!text.isEmpty()) {
      send(reply, name, Json.object().put("content", text));
    }
  }

  private static ObjectNode start(ToolCall call) {
    return Json.object()
        .put("call_id", call.id())
        .put("tool", call.name())
        .set("arguments", call.json());
  }

  private static ObjectNode result(ToolResult result) {
    ObjectNode json =
        Json.object()
            .put("call_id", result.callId())
            .put("tool", result.name())
            .put("status", result.status().wireName())
            .put("summary", result.summary())
            .put("duration_ms", result.duration().toMillis());
    if (!result.sources().isEmpty()) {
      ArrayNode results = json.putArray("results");
      result
          .sources()
          .forEach(source ->
              results
                  .addObject()
                  .put("title", source.title())
                  .put("url", source.url())
                  .put("snippet", source.snippet()));
    }
    return json;
  }

  private static ObjectNode complete(ChatCall chat, ObjectNode usage) {
    ObjectNode head = chat.head();
    JsonNode choice = chat.accumulator().choices().path(0);
    ObjectNode json = Json.object();
    json.set("id", head.get("id"));
    json.set("model", head.get("model"));
    json.set("finish_reason", choice.get("finish_reason"));
    json.set("usage", usage);
    json.put("turns", chat.turnCount()).put("tool_calls", chat.toolCallCount());
    if (choice.at("/message/annotations") instanceof ArrayNode annotations
        && !annotations.isEmpty()) {
      json.set("annotations", annotations);
    }
    return json;
  }

  private void send(Reply reply, String name, ObjectNode json) {
    keepAlive.begin(reply, KeepAlive.BLOCK);
    reply.event(name, Json.bytes(json));
  }
}
