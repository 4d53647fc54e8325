package dev.llmproxy.stream;

import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.usage.Call;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Watches over a request while it is served. */
public final class CallWatch {
  /** From now on the client's leaving interrupts whatever the request waits for. */
  public void begin(Exchange exchange) {
    Reply.answering(exchange).watch();
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
    Reply.of(exchange).release();
  }
}
