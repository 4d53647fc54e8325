package dev.llmproxy.format.openai;

import dev.llmproxy.base.Causes;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.RequestLog;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns an exception into the client's error. */
public final class ErrorAnswer {
  private static final Logger LOG = LoggerFactory.getLogger(ErrorAnswer.class);

  private final RequestLog log;

  public ErrorAnswer(RequestLog log) {
    this.log = log;
  }

  /** Whether a call ended because its client left. Then no error is written. */
  public boolean clientGone(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Reply reply = context.reply();
    return reply.gone() || (!reply.wasCut() && hasLeft(exception));
  }

  /** Ends a call with an exception and returns the only event for its sink. */
  public List<ChatEvent> event(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Call call = context.call();
    ApiError error = error(exception, context, call.target().provider().name());
    call.fail(error);
    return List.of(new ChatEvent.Failed(error));
  }

  /** Answers a request that is not a call, or has not become one yet. */
  public void refuse(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    if (hasLeft(exception)) {
      LOG.debug("A client left before its request was complete");
      context.reply().end();
      return;
    }
    ApiError error = error(exception, context, null);
    log.refused(error, context);
    context.answering(exchange).error(error);
  }

  /** Ends the answer of a call whose error could not be written. */
  public void giveUp(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (!hasLeft(exception)) {
      LOG.error("{} The error could not be sent", context.requestId(), exception);
    }
    Reply reply = context.reply();
    if (reply.begun()) {
      reply.breakOff();
    } else {
      reply.error(OpenAiErrors.internal());
    }
  }

  private static ApiError error(Exception exception, RequestContext context, String provider) {
    return context.reply().wasCut()
        ? context.reply().cutBecause()
        : OpenAiErrors.of(exception, provider);
  }

  private static boolean hasLeft(Throwable exception) {
    return Causes.find(exception, ClientGoneException.class).isPresent();
  }
}
