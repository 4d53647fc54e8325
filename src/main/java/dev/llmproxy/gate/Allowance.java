package dev.llmproxy.gate;

import java.time.Duration;

/**
 * What is left of a limit after one more was asked for.
 *
 * @param granted whether that one was within the limit
 * @param limit so many a minute
 * @param remaining how many more there are in this minute
 * @param untilReset when this minute ends, and {@code limit} are there again
 */
record Allowance(boolean granted, int limit, long remaining, Duration untilReset) {}
