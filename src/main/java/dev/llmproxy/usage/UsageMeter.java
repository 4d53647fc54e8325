package dev.llmproxy.usage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.api.OpenAiErrors;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.provider.Model;
import dev.llmproxy.provider.Usage;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Admits chats into the ledger and settles them by what their accumulator holds. */
public final class UsageMeter {
  private static final Logger LOG = LoggerFactory.getLogger(UsageMeter.class);
  private static final String REST_API = "rest-api";

  private final Ledger ledger;
  private final Clock clock;

  public UsageMeter(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /** Records that the chat is let in; what cannot be recorded is not served: 503. */
  public void admit(@ExchangeProperty("chat") ChatCall chat) {
    try {
      ledger.admit(
          new Admission(
              chat.requestId(),
              chat.started(),
              chat.caller(),
              "chat",
              chat.target().modelId(),
              REST_API));
    } catch (LedgerException e) {
      LOG.error("A request is refused because it cannot be recorded: {}", e.getMessage());
      throw OpenAiErrors.unavailable(
              "This request cannot be recorded right now and is not served unrecorded. Try again shortly.")
          .asException();
    }
  }

  /** Records how the chat ended. */
  public void settle(@ExchangeProperty("chat") ChatCall chat) {
    Duration duration = Duration.between(chat.started(), clock.instant());
    Status status =
        chat.accumulator().complete()
            ? Status.SUCCESS
            : chat.accumulator().error() != null ? Status.ERROR : Status.CANCELLED;
    ObjectNode usage = usage(chat, status);
    long tokensIn = usage.path("prompt_tokens").asLong();
    long tokensOut = usage.path("completion_tokens").asLong();
    Model model = chat.target().model();
    BigDecimal cost =
        model == null || model.price() == null ? null : model.price().of(tokensIn, tokensOut);
    ledger.settle(new Settlement(chat.requestId(), status, tokensIn, tokensOut, cost, duration));
    LOG.info(
        "{} {} {} {} {}+{} tokens {} ms",
        chat.requestId(),
        chat.caller().email(),
        chat.target().modelId(),
        status,
        tokensIn,
        tokensOut,
        duration.toMillis());
  }

  /**
   * A request that never got an answer has cost nothing; one that was cut short has probably cost
   * what came.
   */
  private static ObjectNode usage(ChatCall chat, Status status) {
    if (chat.accumulator().usage() != null) {
      return chat.accumulator().usage();
    }
    boolean nothing = status == Status.ERROR && chat.accumulator().head() == null;
    return nothing ? Usage.of(0, 0) : Usage.estimate(chat);
  }
}
