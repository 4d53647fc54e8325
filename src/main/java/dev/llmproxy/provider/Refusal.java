package dev.llmproxy.provider;

/**
 * A provider's whole answer that is an error.
 *
 * @param status its HTTP status
 * @param retryAfter its header of that name, or null
 * @param location its header of that name, or null
 * @param body its start, of any kind; may be cut anywhere
 * @param input the field of the request that holds what the model is to read: {@code messages} or
 *     {@code input}
 */
public record Refusal(int status, String retryAfter, String location, String body, String input) {}
