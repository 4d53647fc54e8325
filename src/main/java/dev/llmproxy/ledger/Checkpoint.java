package dev.llmproxy.ledger;

import dev.llmproxy.catalogue.TokenCount;
import java.math.BigDecimal;
import java.time.Duration;

/**
 * The usage of a running request so far. It becomes the request's usage if the server dies.
 *
 * @param requestId the id of the admission
 * @param model the model that is being asked: {@code provider/model}; null for the one of the
 *     admission
 * @param tokens tokens so far
 * @param turns calls to the provider so far
 * @param toolCalls tools that the server has run so far
 * @param cost the cost of the tokens in US dollars, or null when the model's price is unknown
 * @param duration the time since admission
 */
record Checkpoint(
    String requestId,
    String model,
    TokenCount tokens,
    int turns,
    int toolCalls,
    BigDecimal cost,
    Duration duration) {
  /** The checkpoint of a request that is served by the model of its admission. */
  Checkpoint(
      String requestId,
      TokenCount tokens,
      int turns,
      int toolCalls,
      BigDecimal cost,
      Duration duration) {
    this(requestId, null, tokens, turns, toolCalls, cost, duration);
  }
}
