package dev.llmproxy.ledger;

import dev.llmproxy.call.Status;
import java.math.BigDecimal;
import java.time.Instant;

/**
 * One settled request, as the ledger has it and a user's sheet shows it.
 *
 * @param sequence the order of settlement, growing from 1
 * @param requestId unique
 * @param timestamp when it was admitted
 * @param email whose it is
 * @param keyHash lower-case hex sha256 of the key it came with; empty for a person signed in
 * @param type {@code chat} or {@code embedding}
 * @param model the model id, provider included
 * @param provider how it came: {@code rest-api}, or {@code chat} from a person signed in
 * @param tokensIn prompt tokens
 * @param tokensOut completion tokens
 * @param turns calls to the provider
 * @param toolCalls tools that the server ran between them
 * @param cost in US dollars, or null when unknown
 * @param durationMillis from admission to the end
 * @param status how it ended
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
