package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.http.Reply;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Answers a request in Anthropic's format without streaming: writes the message at its end. */
public final class MessageSink {
  private final ReasoningSeal seal;

  public MessageSink(ReasoningSeal seal) {
    this.seal = seal;
  }

  /** Takes events that have arrived together. */
  public void write(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    Reply reply = context.answering(exchange);
    events.forEach(event -> write(event, context, reply));
  }

  private void write(ChatEvent event, RequestContext context, Reply reply) {
    switch (event) {
      case ChatEvent.Delta delta -> {
        if (withTools(context)) {
          answer(context).add(delta);
        }
      }
      case ChatEvent.ServerToolDelta call -> {}
      case ChatEvent.Passed passed -> {
        String unused = context.formatAs(MessagesFormat.class).pass(passed);
      }
      case ChatEvent.ToolCallStart start -> answer(context).add(start);
      case ChatEvent.ToolCallResult end -> answer(context).add(end);
      case ChatEvent.Complete complete -> end(complete, context, reply);
      case ChatEvent.Failed failed -> reply.error(failed.error());
    }
  }

  private void end(ChatEvent.Complete complete, RequestContext context, Reply reply) {
    String passed = context.formatAs(MessagesFormat.class).passed();
    if (passed != null) {
      reply.header("Content-Type", "application/json");
      reply.bytes(200, passed.getBytes(StandardCharsets.UTF_8));
      return;
    }
    MessageAnswer answer = answer(context);
    if (withTools(context)) {
      answer.end();
    } else {
      answer.addWhole();
    }
    reply.json(200, message(context, complete.usage()));
  }

  /**
   * Whether the server's tools take part: then each piece is taken as it comes, so that the blocks
   * of the tools stand between the texts. Without them the answer may begin once more, and is taken
   * at its end.
   */
  private static boolean withTools(RequestContext context) {
    return context.callAs(ChatCall.class).turns().tools().any();
  }

  private static ObjectNode message(RequestContext context, ObjectNode usage) {
    MessagesFormat format = context.formatAs(MessagesFormat.class);
    ObjectNode message = format.answer().head();
    message.set("content", format.blocks().content());
    message.setAll(format.answer().stop());
    message.set("usage", format.answer().usage(usage));
    return message;
  }

  private MessageAnswer answer(RequestContext context) {
    MessagesFormat format = context.formatAs(MessagesFormat.class);
    if (format.answer() == null) {
      ChatCall chat = context.callAs(ChatCall.class);
      WholeBlocks blocks = new WholeBlocks(chat.memory());
      format.begin(new MessageAnswer(format, chat, seal, blocks), blocks);
    }
    return format.answer();
  }
}
