package dev.llmproxy.format.completions;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.http.Reply;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Writes chat events as a stream of OpenAI's {@code text_completion} objects. The head is sent with
 * the first event, so that an earlier failure still gets an HTTP status.
 */
public final class TextChunkSink {
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private final KeepAlive keepAlive;

  public TextChunkSink(KeepAlive keepAlive) {
    this.keepAlive = keepAlive;
  }

  /** Writes events that have arrived together. The chat's accumulator has already added them. */
  public void write(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    Reply reply = context.answering(exchange);
    events.forEach(event -> write(event, context, reply));
    reply.flush();
  }

  private void write(ChatEvent event, RequestContext context, Reply reply) {
    ChatCall chat = context.callAs(ChatCall.class);
    switch (event) {
      case ChatEvent.Delta delta -> {
        TextLogprobs logprobs = context.formatAs(CompletionFormat.class).logprobs();
        ObjectNode chunk = new TextAnswer(logprobs).chunk(delta.chunk());
        if (chunk != null) {
          keepAlive.begin(reply, KeepAlive.LINE);
          reply.data(Json.bytes(chunk));
        }
      }
      // A request for a text has no tools, and no provider of another format gets it as it came.
      case ChatEvent.ServerToolDelta call -> {}
      case ChatEvent.Passed passed -> {}
      case ChatEvent.ToolCallStart start -> {}
      case ChatEvent.ToolCallResult result -> {}
      case ChatEvent.Complete complete -> {
        keepAlive.begin(reply, KeepAlive.LINE);
        if (chat.request().includeUsage()) {
          reply.data(Json.bytes(TextAnswer.usage(chat.head(), complete.usage())));
        }
        reply.data(DONE);
        reply.end();
      }
      case ChatEvent.Failed failed -> reply.fail(failed.error());
    }
  }
}
