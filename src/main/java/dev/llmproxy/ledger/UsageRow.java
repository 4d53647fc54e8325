package dev.llmproxy.ledger;

/**
 * A row of a statistic.
 *
 * @param name the day as 2026-01-31, the model id, the status, or the address of a key's owner or
 *     person
 * @param keyHash in a statistic by key, lower-case hex SHA-256 of the key, or empty for the
 *     requests of a signed-in person; otherwise null
 * @param sum the sums of the requests
 */
public record UsageRow(String name, String keyHash, UsageSum sum) {}
