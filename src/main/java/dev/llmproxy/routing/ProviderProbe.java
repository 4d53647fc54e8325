package dev.llmproxy.routing;

import dev.llmproxy.call.Call;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import java.time.Duration;
import java.util.Optional;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The steps of the route {@code admin-provider-ask}: asks the target of a call once, whatever its
 * circuit breaker says. The outcome does not change the breaker.
 */
public final class ProviderProbe {
  /** The exchange property with the {@link Probe}. */
  public static final String PROPERTY = "probe";

  private final Duration longest;

  /**
   * @param longest the time limit for the whole answer
   */
  public ProviderProbe(Duration longest) {
    this.longest = longest;
  }

  /** The times of one question. Only the request's thread uses it. */
  public static final class Probe {
    private final RunningAttempt running;
    private Duration firstContent;
    private Duration total = Duration.ZERO;

    private Probe(RunningAttempt running) {
      this.running = running;
    }

    /** The time until the first content of a chat; null when none has arrived. */
    public Duration firstContent() {
      return firstContent;
    }

    /** The time until the answer was complete or had failed. */
    public Duration total() {
      return total;
    }

    private void end() {
      total = running.time();
      running.end();
    }
  }

  /** Begins to measure, with a time limit. */
  public void begin(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    exchange.setProperty(
        PROPERTY,
        new Probe(
            new RunningAttempt(
                context.call().target().provider().name(),
                Optional.empty(),
                Optional.of(longest))));
  }

  /**
   * Reads the answer to its end. A failure ends the call.
   *
   * @param body the chat events; the answer of embeddings is complete already
   */
  public void listen(
      @Body Object body,
      @ExchangeProperty(PROPERTY) Probe probe,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Call call = context.call();
    if (body instanceof ChatEvents events && call instanceof ChatCall chat) {
      probe.running.listen(events);
      while (events.hasNext()) {
        ChatEvent event = events.next();
        if (probe.firstContent == null
            && event instanceof ChatEvent.Delta delta
            && delta.hasContent()) {
          probe.firstContent = probe.running.time();
        }
        chat.accumulator().add(event);
      }
    }
    probe.end();
    if (probe.running.late() != null) {
      failLate(call, context);
    }
  }

  /**
   * Ends the call with the provider's failure.
   *
   * @throws Exception the failure, when it is not the provider's
   */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
      @ExchangeProperty(PROPERTY) Probe probe,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context)
      throws Exception {
    Call call = context.call();
    if (probe == null) {
      call.fail(OpenAiErrors.of(failure, null));
      throw failure;
    }
    probe.end();
    if (context.reply().gone()
        || context.reply().wasCut()
        || failure instanceof ClientGoneException) {
      throw failure;
    }
    if (probe.running.late() == null) {
      call.fail(OpenAiErrors.of(failure, call.target().provider().name()));
    } else {
      failLate(call, context);
    }
  }

  private void failLate(Call call, RequestContext context) {
    if (!context.reply().gone()) {
      // The limit may have interrupted this thread.
      boolean unused = Thread.interrupted();
    }
    call.fail(
        OpenAiErrors.upstreamTimeout(
            "The provider `%s` had not answered after %d seconds (PROVIDER_FIRST_TOKEN_SECONDS)."
                .formatted(call.target().provider().name(), longest.toSeconds())));
  }
}
