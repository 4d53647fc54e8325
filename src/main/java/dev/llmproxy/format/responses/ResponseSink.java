package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.http.Reply;
import java.time.Clock;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Writes chat events as OpenAI's stream of response events, or as one response object. A stream
 * begins with the first event, so that an earlier failure still gets an HTTP status.
 *
 * @see <a href="https://platform.openai.com/docs/api-reference/responses-streaming">OpenAI's
 *     events</a>
 */
public final class ResponseSink {
  private final KeepAlive keepAlive;
  private final ResponseMemory memory;
  private final ReasoningSeal seal;
  private final Clock clock;

  public ResponseSink(KeepAlive keepAlive, ResponseMemory memory, ReasoningSeal seal, Clock clock) {
    this.keepAlive = keepAlive;
    this.memory = memory;
    this.seal = seal;
    this.clock = clock;
  }

  /** Writes events that have arrived together to the stream. */
  public void stream(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    AskedResponse asked = context.formatAs(AskedResponse.class);
    Reply reply = context.answering(exchange);
    for (ChatEvent event : events) {
      if (event instanceof ChatEvent.Failed failed && !reply.begun()) {
        reply.error(failed.error());
        return;
      }
      if (event instanceof ChatEvent.Passed || asked.ofProvider() != null) {
        pass(event, asked, context, reply);
        continue;
      }
      ResponseWriter writer = writer(asked, context, reply);
      boolean complete = writer.add(event) != null;
      if (complete || event instanceof ChatEvent.Failed) {
        reply.end();
      }
    }
    reply.flush();
  }

  /** Writes an event of a provider that speaks the format. What it says follows as other events. */
  private void pass(ChatEvent event, AskedResponse asked, RequestContext context, Reply reply) {
    NativeResponse response = ofProvider(asked, context);
    switch (event) {
      case ChatEvent.Passed passed -> {
        keepAlive.begin(reply, response::ping);
        reply.event(passed.event(), Json.bytes(response.forClient(passed.json())));
      }
      case ChatEvent.Failed failed -> {
        ObjectNode last = response.failed(failed.error());
        reply.event(last.path("type").asText(), Json.bytes(last));
        reply.end();
      }
      case ChatEvent.Complete complete -> reply.end();
      default -> {}
    }
  }

  private NativeResponse ofProvider(AskedResponse asked, RequestContext context) {
    if (asked.ofProvider() == null) {
      asked.setOfProvider(
          new NativeResponse(
              asked, context.caller(), memory, context.callAs(ChatCall.class).started()));
    }
    return asked.ofProvider();
  }

  private ResponseWriter writer(AskedResponse asked, RequestContext context, Reply reply) {
    if (asked.writer() == null) {
      keepAlive.begin(reply, () -> asked.writer().ping());
      asked.setWriter(
          new ResponseWriter(
              asked,
              context.callAs(ChatCall.class),
              seal,
              memory,
              clock,
              (type, json) -> reply.event(type, Json.bytes(json))));
    }
    return asked.writer();
  }

  /** Collects events that have arrived together, and writes the response when it is complete. */
  public void whole(
      @Body List<ChatEvent> events,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    AskedResponse asked = context.formatAs(AskedResponse.class);
    for (ChatEvent event : events) {
      switch (event) {
        case ChatEvent.Passed passed -> {
          ObjectNode unused = ofProvider(asked, context).forClient(passed.json());
        }
        case ChatEvent.Failed failed -> context.answering(exchange).error(failed.error());
        default -> {
          ObjectNode response = whole(event, asked, context);
          if (response != null) {
            context.answering(exchange).json(200, response);
          }
        }
      }
    }
  }

  /** Takes an event. Returns the response when it is complete, else null. */
  private ObjectNode whole(ChatEvent event, AskedResponse asked, RequestContext context) {
    if (asked.ofProvider() != null) {
      return event instanceof ChatEvent.Complete ? asked.ofProvider().response() : null;
    }
    if (asked.writer() == null) {
      asked.setWriter(
          new ResponseWriter(asked, context.callAs(ChatCall.class), seal, memory, clock, null));
    }
    return asked.writer().add(event);
  }
}
