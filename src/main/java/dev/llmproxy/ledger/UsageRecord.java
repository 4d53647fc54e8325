package dev.llmproxy.ledger;

import dev.llmproxy.call.Status;
import java.math.BigDecimal;
import java.time.Instant;

/**
 * One settled request, as in the ledger and in a user's sheet.
 *
 * @param sequence the place in the order of settlement, from 1
 * @param requestId unique
 * @param timestamp when the request was admitted
 * @param email the user's address
 * @param keyHash lower-case hex SHA-256 of the API key; empty for a signed-in person
 * @param type {@code chat} or {@code embedding}
 * @param model the model id, provider included
 * @param provider the way the request came in: {@code rest-api}, or {@code chat} from a signed-in
 *     person
 * @param tokensIn prompt tokens
 * @param tokensOut completion tokens
 * @param turns calls to the provider
 * @param toolCalls tools that the server ran between the turns
 * @param cost in US dollars, or null when unknown
 * @param durationMillis from admission to the end
 * @param status the outcome
 */
public record UsageRecord(
    long sequence,
    String requestId,
    Instant timestamp,
    String email,
    String keyHash,
    String type,
    String model,
    String provider,
    long tokensIn,
    long tokensOut,
    int turns,
    int toolCalls,
    BigDecimal cost,
    long durationMillis,
    Status status) {}
