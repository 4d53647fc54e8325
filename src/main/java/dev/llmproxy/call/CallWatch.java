package dev.llmproxy.call;

import dev.llmproxy.http.Reply;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Watches over requests while they are served. */
public final class CallWatch {
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

  /**
   * Ends the call: closes its provider's stream, gives back its memory, and discards interrupts
   * that come late.
   */
  public void end(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Reply reply = context.reply();
    try {
      context.call().close();
    } finally {
      reply.release();
      watched.remove(reply);
    }
  }
}
