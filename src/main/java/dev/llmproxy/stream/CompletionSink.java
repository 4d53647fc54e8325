package dev.llmproxy.stream;

import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Answers a request that asked for no stream: with the whole completion when it is there. */
public final class CompletionSink {

  /** Takes the next event, which the chat's accumulator has already. */
  public void write(
      @Body ChatEvent event, @ExchangeProperty("call") ChatCall chat, Exchange exchange) {
    switch (event) {
      case ChatEvent.Delta delta -> {}
      case ChatEvent.ToolCallStart start -> {}
      case ChatEvent.ToolCallResult result -> {}
      case ChatEvent.Complete complete ->
          Reply.of(exchange).json(200, chat.accumulator().completion());
      case ChatEvent.Failed failed -> Reply.of(exchange).error(failed.error());
    }
  }
}
