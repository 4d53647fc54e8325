package dev.llmproxy.call;

import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.LiveBody;
import dev.llmproxy.http.Reply;
import java.io.Closeable;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Interrupts the requests of one CamelContext when their client leaves, the server stops, or the
 * routes were replaced some time ago.
 */
public final class CallWatch {
  private static final Logger LOG = LoggerFactory.getLogger(CallWatch.class);

  private final LiveRequests live;
  private final Set<Reply> watched = ConcurrentHashMap.newKeySet();

  /**
   * @param live is told of each call that begins
   */
  public CallWatch(LiveRequests live) {
    this.live = live;
  }

  /**
   * Watches the client's connection: the request's thread is interrupted when the client leaves.
   */
  public void begin(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    Reply reply = context.answering(exchange);
    watched.add(reply);
    reply.watch();
    live.began(context);
  }

  /**
   * Interrupts all requests that are being answered.
   *
   * @param why the error that their clients get
   */
  public void cut(ApiError why) {
    watched.forEach(reply -> reply.cut(why));
  }

  /**
   * Closes the connection of a provider's answer that is not read to its end.
   *
   * @param body the answer's live body or its events; null and other classes are ignored
   */
  public void discard(@Body Object body) {
    try {
      LiveBody.abort(body);
      if (body instanceof Closeable events) {
        events.close();
      }
    } catch (IOException e) {
      LOG.debug("Closing the connection of an answer failed", e);
    }
  }

  /**
   * Ends the call: closes the provider's stream and releases the memory. Late interrupts are
   * discarded.
   */
  public void end(
      @Body Object body, @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Reply reply = context.reply();
    try {
      discard(body);
      context.call().close();
    } finally {
      reply.release();
      watched.remove(reply);
    }
  }
}
