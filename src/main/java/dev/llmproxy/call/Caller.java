package dev.llmproxy.call;

/**
 * The sender of a request: the owner of an API key, or a person who has signed in.
 *
 * @param email the address as written in the sheet; for a person, the address that Google gives, in
 *     lower case
 * @param keyName the name of the key; empty for a person
 * @param keyHash lower-case hex sha256 of the key; empty for a person
 * @param tier the named set of limits the key refers to
 * @param conversations where conversations are stored; null: the setting LOG_CONVERSATIONS decides
 */
public record Caller(
    String email, String keyName, String keyHash, String tier, ConversationStorage conversations) {
  /** A caller whose conversations follow the setting LOG_CONVERSATIONS. */
  public Caller(String email, String keyName, String keyHash, String tier) {
    this(email, keyName, keyHash, tier, null);
  }

  /** A person who has signed in and has sent no key. */
  public static Caller person(String email, String tier, ConversationStorage conversations) {
    return new Caller(email, "", "", tier, conversations);
  }

  /** Whether the caller is a person who has signed in. */
  public boolean isPerson() {
    return keyHash.isEmpty();
  }
}
