package dev.llmproxy.workbook;

/**
 * One row of the sheet {@code User API Keys}, as read; cells are text, never null.
 *
 * @param number the row number as the spreadsheet shows it; the header is 1
 * @param apiKey the key in clear text, or its mask and hash
 * @param email the owner's address
 * @param keyName the owner's name for the key
 * @param tier the named set of limits; "free" for an empty cell
 * @param createdAt ISO-8601 UTC
 * @param lastUsed ISO-8601 UTC, or empty
 * @param requests requests so far; 0 when the cell has no valid count
 * @param tokens tokens so far; 0 when the cell has no valid count
 * @param revoked the cell's text
 * @param expiresAt the cell's text; empty means never
 * @param logConversations the cell's text; empty means that the setting applies
 * @param allowedModels the cell's text; empty means all
 * @param budget the cell's text; empty means that the tier's applies
 * @param requestsPerMinute the cell's text; empty means that the tier's applies
 * @param notes free text
 * @param status the cell's text, written by the server or by a person
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
    String allowedModels,
    String budget,
    String requestsPerMinute,
    String notes,
    String status) {}
