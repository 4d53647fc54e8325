package dev.llmproxy.ledger;

import java.math.BigDecimal;

/**
 * What one user has used of one model.
 *
 * @param email whose
 * @param model the model id, provider included
 * @param requests settled requests, however they ended
 * @param turns calls to providers
 * @param toolCalls tools that the server ran between them
 * @param tokensIn prompt tokens
 * @param tokensOut completion tokens
 * @param cost in US dollars; requests of unknown price count nothing
 * @param unpriced requests with tokens whose price is unknown
 */
public record UsageTotal(
    String email,
    String model,
    long requests,
    long turns,
    long toolCalls,
    long tokensIn,
    long tokensOut,
    BigDecimal cost,
    long unpriced) {}
