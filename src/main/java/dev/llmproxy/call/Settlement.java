package dev.llmproxy.call;

import dev.llmproxy.attempt.Attempt;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;

/**
 * How an admitted request ended.
 *
 * @param requestId id under which the request was admitted
 * @param model the model that answered, or was asked last: {@code provider/model}; null when it is
 *     that of the admission
 * @param status how it ended
 * @param tokensIn prompt tokens
 * @param tokensOut completion tokens
 * @param turns calls to the provider
 * @param toolCalls calls of tools that the server ran
 * @param cost in US dollars, or null when the model's price is unknown
 * @param duration from admission to the end
 * @param attempts the attempts, in order; empty when the first one of each turn answered
 */
public record Settlement(
    String requestId,
    String model,
    Status status,
    long tokensIn,
    long tokensOut,
    int turns,
    int toolCalls,
    BigDecimal cost,
    Duration duration,
    List<Attempt> attempts) {
  public Settlement {
    attempts = List.copyOf(attempts);
  }

  /** The settlement of a request that its first attempts answered. */
  public Settlement(
      String requestId,
      Status status,
      long tokensIn,
      long tokensOut,
      int turns,
      int toolCalls,
      BigDecimal cost,
      Duration duration) {
    this(requestId, null, status, tokensIn, tokensOut, turns, toolCalls, cost, duration, List.of());
  }
}
