package dev.llmproxy.call;

import dev.llmproxy.base.SteadyClock;
import dev.llmproxy.http.BodyReader;
import java.time.Clock;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/** The first steps of the routes that answer HTTP requests. */
public final class Requests {
  private final BodyReader bodyReader;
  private final Clock clock;
  private final Clock steady;
  private final RequestTrace.Source traces;

  /**
   * @param bodyReader reads bodies within the limits of the server
   * @param clock gives the time of requests
   * @param steady a clock that only goes forward, e.g. a {@link SteadyClock}; deadlines follow it
   */
  public Requests(BodyReader bodyReader, Clock clock, Clock steady) {
    this(bodyReader, clock, steady, RequestTrace.Source.PASSING_ON);
  }

  /**
   * As {@link #Requests(BodyReader, Clock, Clock)}.
   *
   * @param traces begins the traces of requests
   */
  public Requests(BodyReader bodyReader, Clock clock, Clock steady, RequestTrace.Source traces) {
    this.traces = traces;
    this.bodyReader = bodyReader;
    this.clock = clock;
    this.steady = steady;
  }

  /**
   * Puts the context of a request on its exchange unless it is there. Every entry route begins with
   * this step.
   *
   * @throws IllegalStateException when the exchange is not an HTTP request
   */
  public void open(Exchange exchange) {
    if (exchange.getProperty(RequestContext.PROPERTY) != null) {
      return;
    }
    HttpMessage message = exchange.getMessage(HttpMessage.class);
    if (message == null) {
      throw new IllegalStateException("This route answers HTTP requests only.");
    }
    RequestContext context = RequestContext.of(message, clock, steady);
    LoggedRequest.begin(context.requestId());
    context.setTrace(
        traces.of(
            context.reply().requestHeader(RequestTrace.TRACEPARENT),
            context.reply().requestHeader(RequestTrace.TRACESTATE)));
    exchange.setProperty(RequestContext.PROPERTY, context);
  }

  /** Forbids everyone between the client and this server to store the answer. */
  public void forbidStoring(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    context.header("Cache-Control", "no-store");
  }

  /** As {@link #open}, for a route whose clients may send forms with files. */
  public void openForm(Exchange exchange) {
    open(exchange);
    RequestContext.of(exchange).acceptForm();
  }

  /**
   * Reads the body of a request whose key has been checked. A form with files becomes a stream.
   *
   * @see BodyReader#read
   * @see BodyReader#readForm
   */
  public void readBody(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    if (context.hasForm()) {
      bodyReader.readForm(exchange);
    } else {
      bodyReader.read(exchange, context.reply());
    }
  }
}
