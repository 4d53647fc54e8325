package dev.llmproxy.gate;

/**
 * One usable row of the sheet {@code User API Keys}.
 *
 * @param caller whose key it is
 * @param revoked whether it may no longer be used
 */
public record KeyRecord(Caller caller, boolean revoked) {}
