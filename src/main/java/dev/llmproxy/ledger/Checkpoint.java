package dev.llmproxy.ledger;

import dev.llmproxy.catalogue.TokenCount;
import java.math.BigDecimal;
import java.time.Duration;

/**
 * What a request under way has used so far; recorded as its usage should the server die.
 *
 * @param requestId as admitted
 * @param tokens so far
 * @param turns calls to the provider so far
 * @param toolCalls tools that the server has run so far
 * @param cost of these in US dollars, or null when the model's price is unknown
 * @param duration from admission until now
 */
record Checkpoint(
    String requestId,
    TokenCount tokens,
    int turns,
    int toolCalls,
    BigDecimal cost,
    Duration duration) {}
