package dev.llmproxy.flush;

import java.time.Instant;

/**
 * A record that the workbook refuses.
 *
 * @param requestId the id of the record's request
 * @param timestamp when the request was admitted
 * @param email the user's address
 * @param model the model id
 * @param parkedAt when the flush put the record aside
 * @param error the workbook's error message
 * @param retrying whether the flush will try the record again
 */
public record DeadLetter(
    String requestId,
    Instant timestamp,
    String email,
    String model,
    Instant parkedAt,
    String error,
    boolean retrying) {}
