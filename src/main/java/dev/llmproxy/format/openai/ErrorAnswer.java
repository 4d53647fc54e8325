package dev.llmproxy.format.openai;

import dev.llmproxy.base.Causes;
import dev.llmproxy.call.Call;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import dev.llmproxy.http.RequestLog;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says what an exception means to the client; used by the one route configuration that catches
 * them.
 */
public final class ErrorAnswer {
  private static final Logger LOG = LoggerFactory.getLogger(ErrorAnswer.class);

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
      @ExchangeProperty("call") ChatCall chat,
      Exchange exchange) {
    ChatEvent.Failed failed = new ChatEvent.Failed(error(exception, chat, exchange));
    chat.accumulator().add(failed);
    return failed;
  }

  /**
   * Whether the call ended because its client left: there is nobody to tell, and it is no error.
   */
  public boolean clientGone(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception, Exchange exchange) {
    Reply reply = Reply.of(exchange);
    return reply.gone() || (!reply.wasCut() && leaving(exception));
  }

  /** Answers a request that has no sink: it ends with the error as its whole answer. */
  public void answer(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty("call") Call call,
      Exchange exchange) {
    if (call == null && leaving(exception)) {
      // It broke off while it sent its body.
      LOG.debug("A client left before its request was whole");
      Reply.of(exchange).end();
      return;
    }
    ApiError error = error(exception, call, exchange);
    if (call == null) {
      log.refused(error, exchange);
    } else {
      call.fail(error);
    }
    Reply.answering(exchange).error(error);
  }

  private static ApiError error(Exception exception, Call call, Exchange exchange) {
    return Reply.of(exchange).wasCut()
        ? OpenAiErrors.stopping()
        : OpenAiErrors.of(exception, call == null ? null : call.target().provider().name());
  }

  private static boolean leaving(Throwable exception) {
    return Causes.find(exception, ClientGoneException.class).isPresent();
  }
}
