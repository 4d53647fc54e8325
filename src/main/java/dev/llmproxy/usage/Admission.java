package dev.llmproxy.usage;

import dev.llmproxy.gate.Caller;
import java.time.Instant;

/**
 * A request that is let in.
 *
 * @param requestId unique
 * @param admittedAt when it came in
 * @param caller who asks
 * @param type {@code chat} or {@code embedding}
 * @param model the model id, provider included
 * @param provider how the request came: {@code rest-api}
 */
public record Admission(
    String requestId,
    Instant admittedAt,
    Caller caller,
    String type,
    String model,
    String provider) {}
