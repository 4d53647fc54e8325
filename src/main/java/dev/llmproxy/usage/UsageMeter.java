package dev.llmproxy.usage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.api.OpenAiErrors;
import dev.llmproxy.provider.Model;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Admits requests into the ledger, and settles them when they are over. */
public final class UsageMeter {
  private static final Logger LOG = LoggerFactory.getLogger(UsageMeter.class);
  private static final String REST_API = "rest-api";

  private final Ledger ledger;
  private final Clock clock;

  public UsageMeter(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /** Records that the request is let in; what cannot be recorded is not served: 503. */
  public void admit(@ExchangeProperty("call") Call call) {
    try {
      ledger.admit(
          new Admission(
              call.requestId(),
              call.started(),
              call.caller(),
              call.type(),
              call.target().modelId(),
              REST_API));
    } catch (LedgerException e) {
      LOG.error("A request is refused because it cannot be recorded: {}", e.getMessage());
      throw OpenAiErrors.unavailable(
              "This request cannot be recorded right now and is not served unrecorded. Try again shortly.")
          .asException();
    }
  }

  /** Records how the request ended. */
  public void settle(@ExchangeProperty("call") Call call) {
    Duration duration = Duration.between(call.started(), clock.instant());
    Status status = call.status();
    ObjectNode usage = call.usage();
    long tokensIn = usage.path("prompt_tokens").asLong();
    long tokensOut = usage.path("completion_tokens").asLong();
    Model model = call.target().model();
    BigDecimal cost =
        model == null || model.price() == null ? null : model.price().of(tokensIn, tokensOut);
    ledger.settle(new Settlement(call.requestId(), status, tokensIn, tokensOut, cost, duration));
    LOG.info(
        "{} {} {} {} {}+{} tokens {} ms",
        call.requestId(),
        call.caller().email(),
        call.target().modelId(),
        status,
        tokensIn,
        tokensOut,
        duration.toMillis());
  }
}
