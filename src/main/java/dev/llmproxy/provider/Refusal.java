package dev.llmproxy.provider;

/**
 * An error answer of a provider.
 *
 * @param status the HTTP status
 * @param retryAfter the header Retry-After, or null
 * @param location the header Location, or null
 * @param body the start of the body, in any format; may be truncated
 * @param input the field of the request with the text for the model: {@code messages} or {@code
 *     input}
 */
public record Refusal(int status, String retryAfter, String location, String body, String input) {}
