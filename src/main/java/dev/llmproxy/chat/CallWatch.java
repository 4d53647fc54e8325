package dev.llmproxy.chat;

import dev.llmproxy.call.Call;
import dev.llmproxy.http.Reply;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Watches over requests while they are served. */
public final class CallWatch {
  private final Set<Reply> watched = ConcurrentHashMap.newKeySet();

  /** From now on the client's leaving interrupts whatever the request waits for. */
  public void begin(Exchange exchange) {
    Reply reply = Reply.answering(exchange);
    watched.add(reply);
    reply.watch();
  }

  /** Ends all requests that are being served, because the server stops: their clients are told. */
  public void cut() {
    watched.forEach(Reply::cut);
  }

  /**
   * The request is over: a provider that still sends is hung up on, and interrupts that come late
   * are nobody's any more.
   *
   * @param events a chat's events, or null when there are none
   */
  public void end(
      @ExchangeProperty("events") ChatEvents events,
      @ExchangeProperty("call") Call call,
      Exchange exchange) {
    if (events != null) {
      events.close();
    }
    call.release();
    Reply reply = Reply.of(exchange);
    reply.release();
    watched.remove(reply);
  }
}
