package dev.llmproxy.gate;

/**
 * Who is asking: the owner of an API key.
 *
 * @param email the key owner's address as it stands in the sheet
 * @param keyName what the owner calls the key
 * @param keyHash lower-case hex sha256 of the key
 * @param tier the named set of limits the key refers to
 */
public record Caller(String email, String keyName, String keyHash, String tier) {}
