package dev.llmproxy.call;

import dev.llmproxy.http.LiveBody;
import dev.llmproxy.http.Reply;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Watches over requests while they are served. */
public final class CallWatch {
  private static final Logger LOG = LoggerFactory.getLogger(CallWatch.class);

  private final Set<Reply> watched = ConcurrentHashMap.newKeySet();

  /** From now on the client's leaving interrupts whatever the request waits for. */
  public void begin(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    Reply reply = context.answering(exchange);
    watched.add(reply);
    reply.watch();
  }

  /** Ends all requests that are being served, because the server stops: their clients are told. */
  public void cut() {
    watched.forEach(Reply::cut);
  }

  /** Closes the connection of an answer that nobody has begun to read. */
  public void discard(@Body Object body) {
    try {
      LiveBody.abort(body);
    } catch (IOException e) {
      LOG.debug("The connection of an answer cannot be closed in order", e);
    }
  }

  /**
   * Ends the call: closes its provider's stream, gives back its memory, and discards interrupts
   * that come late.
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
