package dev.llmproxy.flush;

import java.time.Instant;

/**
 * A record that the workbook refuses.
 *
 * @param requestId whose record it is
 * @param timestamp when the request was admitted
 * @param email whose request it was
 * @param model the model id
 * @param parkedAt when it was put aside
 * @param error what the workbook said
 * @param retrying whether it is about to be tried again
 */
public record DeadLetter(
    String requestId,
    Instant timestamp,
    String email,
    String model,
    Instant parkedAt,
    String error,
    boolean retrying) {}
