package dev.llmproxy.api;

import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.stream.ClientGoneException;
import dev.llmproxy.stream.Reply;
import dev.llmproxy.usage.Call;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Says what an exception means to the client; used by the one route configuration that catches
 * them.
 */
public final class ErrorAnswer {
  private final RequestLog log;

  public ErrorAnswer(RequestLog log) {
    this.log = log;
  }

  /**
   * The exception as a chat event, for the sink of the chat that it ended; its accumulator has it
   * already.
   */
  public ChatEvent.Failed event(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty("call") ChatCall chat) {
    ChatEvent.Failed failed =
        new ChatEvent.Failed(OpenAiErrors.of(exception, chat.target().provider().name()));
    chat.accumulator().add(failed);
    return failed;
  }

  /**
   * Whether the call ended because its client left: there is nobody to tell, and it is no error.
   */
  public boolean clientGone(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception, Exchange exchange) {
    for (Throwable cause = exception; cause != null; cause = cause.getCause()) {
      if (cause instanceof ClientGoneException) {
        return true;
      }
    }
    return Reply.of(exchange).gone();
  }

  /** Answers a request that has no sink: it ends with the error as its whole answer. */
  public void answer(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty("call") Call call,
      Exchange exchange) {
    ApiError error =
        OpenAiErrors.of(exception, call == null ? null : call.target().provider().name());
    if (call == null) {
      log.refused(error, exchange);
    } else {
      call.fail(error);
    }
    Reply.answering(exchange).error(error);
  }
}
