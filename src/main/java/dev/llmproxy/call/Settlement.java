package dev.llmproxy.call;

import java.math.BigDecimal;
import java.time.Duration;

/**
 * How an admitted request ended.
 *
 * @param requestId id under which the request was admitted
 * @param status how it ended
 * @param tokensIn prompt tokens
 * @param tokensOut completion tokens
 * @param turns calls to the provider
 * @param toolCalls calls of tools that the server ran
 * @param cost in US dollars, or null when the model's price is unknown
 * @param duration from admission to the end
 */
public record Settlement(
    String requestId,
    Status status,
    long tokensIn,
    long tokensOut,
    int turns,
    int toolCalls,
    BigDecimal cost,
    Duration duration) {}
