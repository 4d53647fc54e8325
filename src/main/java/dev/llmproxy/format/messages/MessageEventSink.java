package dev.llmproxy.format.messages;

import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.http.Reply;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Writes chat events as the stream of Anthropic's Messages API. The head is sent with the first
 * event, so that an earlier failure still gets an HTTP status. A failure in the middle is the last
 * event, and the open block stays open: Claude Code takes a whole block for an answer.
 *
 * @see <a href="https://platform.claude.com/docs/en/build-with-claude/streaming">The format</a>
 */
public final class MessageEventSink {
  private static final String PING = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

  private final KeepAlive keepAlive;
  private final ReasoningSeal seal;

  public MessageEventSink(KeepAlive keepAlive, ReasoningSeal seal) {
    this.keepAlive = keepAlive;
    this.seal = seal;
  }

  /** Writes events that have arrived together. */
  public void write(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    Reply reply = context.answering(exchange);
    events.forEach(event -> write(event, context, reply));
    reply.flush();
  }

  private void write(ChatEvent event, RequestContext context, Reply reply) {
    MessagesFormat format = context.formatAs(MessagesFormat.class);
    switch (event) {
      case ChatEvent.Passed passed -> {
        keepAlive.begin(reply, () -> PING);
        reply.event(passed.event(), format.pass(passed).getBytes(StandardCharsets.UTF_8));
      }
      case ChatEvent.Failed failed -> reply.fail(failed.error());
      case ChatEvent.Complete complete when format.passed() != null -> reply.end();
      default -> {
        // Other events repeat what was passed on.
        if (format.passed() == null) {
          translate(event, answer(context, reply), reply);
        }
      }
    }
  }

  private static void translate(ChatEvent event, MessageAnswer answer, Reply reply) {
    switch (event) {
      case ChatEvent.Delta delta -> answer.add(delta);
      case ChatEvent.ToolCallStart start -> answer.add(start);
      case ChatEvent.ToolCallResult end -> answer.add(end);
      case ChatEvent.Complete complete -> {
        answer.end();
        new MessageStream(reply).end(answer.stop(), answer.usage(complete.usage()));
        reply.end();
      }
      default -> throw new IllegalStateException("No answer has the event " + event.name());
    }
  }

  /** The answer under way. Begins it with the first event. */
  private MessageAnswer answer(RequestContext context, Reply reply) {
    MessagesFormat format = context.formatAs(MessagesFormat.class);
    if (format.answer() == null) {
      keepAlive.begin(reply, () -> PING);
      MessageStream stream = new MessageStream(reply);
      MessageAnswer answer =
          new MessageAnswer(format, context.callAs(ChatCall.class), seal, stream);
      stream.begin(answer.head());
      format.begin(answer, null);
    }
    return format.answer();
  }
}
