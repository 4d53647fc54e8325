package dev.llmproxy.format.completions;

import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Writes the answer as one {@code text_completion} object when it is complete. */
public final class TextCompletionSink {

  /** Handles events that have arrived together. The chat's accumulator has already added them. */
  public void write(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    ChatEvent last = events.getLast();
    if (last instanceof ChatEvent.Complete) {
      context
          .answering(exchange)
          .json(
              200,
              new TextAnswer(context.formatAs(CompletionFormat.class).logprobs())
                  .whole(context.callAs(ChatCall.class).accumulator().completion()));
    } else if (last instanceof ChatEvent.Failed failed) {
      context.answering(exchange).error(failed.error());
    }
  }
}
