package dev.llmproxy.call;

/**
 * A person, as named by a verified Google ID token.
 *
 * @param email the address that Google has verified
 * @param domain domain of the organisation that owns the account; null for a private account
 */
public record Person(String email, String domain) {}
