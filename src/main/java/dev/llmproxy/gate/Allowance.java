package dev.llmproxy.gate;

import java.time.Duration;

/**
 * The state of a limit after a request was counted.
 *
 * @param granted whether the request was within the limit
 * @param limit requests a minute
 * @param remaining requests left in this minute
 * @param untilReset time until the minute ends and {@code limit} requests are available again
 */
record Allowance(boolean granted, int limit, long remaining, Duration untilReset) {}
