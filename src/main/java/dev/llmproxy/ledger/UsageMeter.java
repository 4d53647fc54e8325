package dev.llmproxy.ledger;

import dev.llmproxy.call.Call;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.OpenAiErrors;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Admits requests into the ledger, and settles them when they end. */
public final class UsageMeter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UsageMeter.class);
  private static final String REST_API = "rest-api";
  private static final String CHAT = "chat";

  private final Ledger ledger;
  private final RunningRequests running;

  /**
   * @param clock a clock that only goes forward
   */
  public UsageMeter(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    running = new RunningRequests(ledger, clock);
  }

  /**
   * Records the admission of the request. If it cannot be recorded, the request is refused with
   * 503.
   */
  public void admit(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    admit(context.call());
  }

  void admit(Call call) {
    List<TokenCount> turns = call.soFar();
    TokenCount tokens = TokenCount.sum(turns);
    running.begin(call, turns);
    try {
      ledger.admit(
          new Admission(
              call.requestId(),
              call.started(),
              call.caller(),
              call.type(),
              call.target().servedModel(),
              way(call.caller().keyHash()),
              tokens,
              RunningRequests.cost(call, turns)));
    } catch (LedgerException e) {
      // A request that may have been recorded is settled like any other, with status ERROR.
      if (e.outcomeUnknown()) {
        running.markDoubtful(call);
      } else {
        running.end(call);
      }
      LOG.warn("A request is refused because it cannot be recorded: {}", e.getMessage());
      throw OpenAiErrors.unavailable(
              "This request cannot be recorded right now and is not served unrecorded. Try again shortly.")
          .asException();
    }
  }

  /**
   * Records the outcome of an admitted request.
   *
   * @return the recorded outcome; null, without effect, for a request that was not admitted or is
   *     already settled
   */
  public Settlement settle(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return settle(context.call());
  }

  Settlement settle(Call call) {
    Optional<Duration> duration = running.end(call);
    if (duration.isEmpty()) {
      return null;
    }
    Status status = call.status();
    List<TokenCount> turns = call.used();
    TokenCount tokens = TokenCount.sum(turns);
    Settlement settlement =
        new Settlement(
            call.requestId(),
            call.attempts().otherModel(),
            status,
            tokens.in(),
            tokens.out(),
            call.turnCount(),
            call.toolCallCount(),
            RunningRequests.cost(call, turns),
            duration.get(),
            call.attempts().withCosts(turns, call.started()));
    running.settle(settlement);
    return settlement;
  }

  /**
   * The way a request came in: {@code rest-api}, or {@code chat} from a signed-in person.
   *
   * @param keyHash of the key; empty without one
   */
  public static String way(String keyHash) {
    return keyHash.isEmpty() ? CHAT : REST_API;
  }

  /** The admitted requests of this server that have not ended, in no order. */
  public List<Call> running() {
    return running.calls();
  }

  /** The number of ended requests that the ledger could not settle yet. */
  public int unsettled() {
    return running.unsettled();
  }

  /** Settles the remaining requests. The routes must have stopped. The ledger stays open. */
  @Override
  public void close() {
    running.close();
  }
}
