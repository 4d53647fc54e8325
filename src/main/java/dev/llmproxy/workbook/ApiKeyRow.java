package dev.llmproxy.workbook;

/**
 * One row of the sheet {@code User API Keys} as it stands there; cells are text, never null.
 *
 * @param number the row's number as a person counts, the header being 1
 * @param apiKey the key in clear, or its mask and hash
 * @param email the owner's address
 * @param keyName what the owner calls it
 * @param tier the named set of limits; "free" where the cell is empty
 * @param createdAt ISO-8601 UTC
 * @param lastUsed ISO-8601 UTC, or empty
 * @param requests count so far; 0 for what is no count
 * @param tokens count so far; 0 for what is no count
 * @param revoked the cell's text
 * @param expiresAt the cell's text, or empty for never
 * @param logConversations the cell's text, or empty for what the setting says
 * @param notes free text
 * @param status the cell's text, the product's or somebody's
 */
public record ApiKeyRow(
    int number,
    String apiKey,
    String email,
    String keyName,
    String tier,
    String createdAt,
    String lastUsed,
    long requests,
    long tokens,
    String revoked,
    String expiresAt,
    String logConversations,
    String notes,
    String status) {}
