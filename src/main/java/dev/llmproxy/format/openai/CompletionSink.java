package dev.llmproxy.format.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Answers a request without streaming: writes the whole completion at the end. */
public final class CompletionSink {

  /** Handles events that have arrived together. The chat's accumulator has already added them. */
  public void write(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    events.forEach(event -> write(event, context, exchange));
  }

  private static void write(ChatEvent event, RequestContext context, Exchange exchange) {
    ChatCall chat = context.callAs(ChatCall.class);
    switch (event) {
      case ChatEvent.Delta delta -> {}
      case ChatEvent.ServerToolDelta call -> {}
      case ChatEvent.Passed passed -> {}
      case ChatEvent.ToolCallStart start -> {}
      case ChatEvent.ToolCallResult result -> {}
      case ChatEvent.Complete complete -> context.answering(exchange).json(200, completion(chat));
      case ChatEvent.Failed failed -> context.answering(exchange).error(failed.error());
    }
  }

  private static ObjectNode completion(ChatCall chat) {
    ObjectNode completion = chat.accumulator().completion();
    ArrayNode notifications = chat.accumulator().toolNotifications();
    if (chat.notices().listed() && !notifications.isEmpty()) {
      completion.set("tool_notifications", notifications);
    }
    return completion;
  }
}
