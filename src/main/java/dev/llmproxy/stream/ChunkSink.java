package dev.llmproxy.stream;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import java.nio.charset.StandardCharsets;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Writes chat events as OpenAI's {@code chat.completion.chunk} stream. Nothing is sent before the
 * first event is known, so that a failure before it can still be a status.
 */
public final class ChunkSink {
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private final KeepAlive keepAlive;

  public ChunkSink(KeepAlive keepAlive) {
    this.keepAlive = keepAlive;
  }

  /** Writes the next event. */
  public void write(
      @Body ChatEvent event, @ExchangeProperty("call") ChatCall chat, Exchange exchange) {
    Reply reply = Reply.of(exchange);
    switch (event) {
      case ChatEvent.Delta delta -> {
        if (!reply.begun()) {
          reply.beginStream();
          keepAlive.watch(reply);
        }
        reply.data(Json.bytes(delta.chunk()));
      }
      case ChatEvent.ToolCallStart start -> {}
      case ChatEvent.ToolCallResult result -> {}
      case ChatEvent.Complete complete -> {
        if (chat.request().includeUsage()) {
          reply.data(Json.bytes(usageChunk(chat, complete.usage())));
        }
        reply.data(DONE);
        reply.end();
      }
      case ChatEvent.Failed failed -> {
        if (reply.begun()) {
          reply.event("error", Json.bytes(failed.error().toJson()));
          reply.end();
        } else {
          reply.error(failed.error());
        }
      }
    }
  }

  /**
   * Usage comes alone, after the last choice has ended: on a chunk with choices it kills clients.
   */
  private static ObjectNode usageChunk(ChatCall chat, ObjectNode usage) {
    ObjectNode chunk = Json.object();
    ObjectNode head = chat.accumulator().head();
    chunk.set("id", head.get("id"));
    chunk.put("object", "chat.completion.chunk");
    chunk.set("created", head.get("created"));
    chunk.set("model", head.get("model"));
    chunk.putArray("choices");
    chunk.set("usage", usage);
    return chunk;
  }
}
