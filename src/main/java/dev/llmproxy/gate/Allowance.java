package dev.llmproxy.gate;

import java.time.Duration;

/**
 * The state of a limit after something was counted, or was to be.
 *
 * @param granted whether it was within the limit
 * @param limit the limit
 * @param remaining what is left in this window, at least 0
 * @param untilEnough time until it is within the limit; zero when it was granted
 * @param untilReset time until the whole limit is available again
 */
record Allowance(
    boolean granted, long limit, long remaining, Duration untilEnough, Duration untilReset) {}
