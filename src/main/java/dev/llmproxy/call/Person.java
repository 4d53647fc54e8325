package dev.llmproxy.call;

/**
 * Whom Google says it is.
 *
 * @param email the address, which Google has verified
 * @param domain of the organisation that the account belongs to; null for an account of one's own
 */
public record Person(String email, String domain) {}
