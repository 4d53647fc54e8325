package dev.llmproxy.format.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ToolNotification;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.http.Reply;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Writes chat events as OpenAI's {@code chat.completion.chunk} stream. The head is sent with the
 * first event, so that an earlier failure still gets an HTTP status.
 */
public final class ChunkSink {
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private static final String NOTIFICATION = "tool_notification";

  private final KeepAlive keepAlive;

  public ChunkSink(KeepAlive keepAlive) {
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
      case ChatEvent.Delta delta -> {
        keepAlive.begin(reply, KeepAlive.LINE);
        reply.data(delta.json());
      }
      case ChatEvent.ServerToolDelta call -> {
        keepAlive.begin(reply, KeepAlive.LINE);
        reply.data(Json.bytes(call.chunk()));
      }
      case ChatEvent.Passed passed -> {}
      case ChatEvent.ToolCallStart start -> notify(ToolNotification.of(start), chat, reply);
      case ChatEvent.ToolCallResult end -> notify(ToolNotification.of(end), chat, reply);
      case ChatEvent.Complete complete -> {
        if (chat.request().includeUsage()) {
          reply.data(Json.bytes(usageChunk(chat, complete.usage())));
        }
        reply.data(DONE);
        reply.end();
      }
      case ChatEvent.Failed failed -> reply.fail(failed.error());
    }
  }

  /**
   * A chunk for the usage alone, after the last choice has ended. Usage in a chunk with choices
   * breaks some clients.
   */
  private static ObjectNode usageChunk(ChatCall chat, ObjectNode usage) {
    ObjectNode chunk = head(chat);
    chunk.putArray("choices");
    chunk.set("usage", usage);
    return chunk;
  }

  private static ObjectNode head(ChatCall chat) {
    ObjectNode chunk = Json.object();
    ObjectNode head = chat.head();
    chunk.set("id", head.get("id"));
    chunk.put("object", "chat.completion.chunk");
    chunk.set("created", head.get("created"));
    chunk.set("model", head.get("model"));
    return chunk;
  }

  private void notify(ObjectNode notification, ChatCall chat, Reply reply) {
    switch (chat.notices()) {
      case HYBRID -> {
        ObjectNode delta = Json.object();
        if (chat.turns().firstWord()) {
          delta.put("role", "assistant").put("content", "");
        }
        keepAlive.begin(reply, KeepAlive.LINE);
        // An empty chunk, because some clients parse every event as a chunk.
        ObjectNode chunk = chat.turns().chunk(chat, delta, null);
        reply.event(NOTIFICATION, Json.bytes(chunk.setAll(notification)));
      }
      case COMMENT -> {
        keepAlive.begin(reply, KeepAlive.LINE);
        reply.comment(NOTIFICATION + " " + Json.text(notification));
      }
      case BARE -> {
        keepAlive.begin(reply, KeepAlive.LINE);
        reply.event(NOTIFICATION, Json.bytes(ToolNotification.bare(notification)));
      }
      case OFF -> {}
    }
  }
}
