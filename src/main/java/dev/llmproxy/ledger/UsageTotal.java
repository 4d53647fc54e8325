package dev.llmproxy.ledger;

import java.math.BigDecimal;

/**
 * The usage of one user and one model.
 *
 * @param email the user's address
 * @param model the model id, provider included
 * @param requests settled requests, whatever their outcome
 * @param turns calls to providers
 * @param toolCalls tools that the server ran between the turns
 * @param tokensIn prompt tokens
 * @param tokensOut completion tokens
 * @param cost in US dollars; requests of unknown price add nothing
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
