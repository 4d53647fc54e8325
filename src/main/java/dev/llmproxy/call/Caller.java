package dev.llmproxy.call;

/**
 * Who is asking: the owner of an API key, or a person who has signed in.
 *
 * @param email the address as it stands in the sheet; of a person without a key, as Google has it,
 *     in lower case
 * @param keyName what the owner calls the key; empty for a person
 * @param keyHash lower-case hex sha256 of the key; empty for a person
 * @param tier the named set of limits the key refers to
 * @param conversations whether what is said with the key is kept; null for what the setting
 *     LOG_CONVERSATIONS says
 */
public record Caller(
    String email, String keyName, String keyHash, String tier, Keeping conversations) {
  /** A caller for whom the setting LOG_CONVERSATIONS holds. */
  public Caller(String email, String keyName, String keyHash, String tier) {
    this(email, keyName, keyHash, tier, null);
  }

  /** One who has signed in, and came with no key. */
  public static Caller person(String email, String tier, Keeping conversations) {
    return new Caller(email, "", "", tier, conversations);
  }

  /** Whether it is one who has signed in. */
  public boolean isPerson() {
    return keyHash.isEmpty();
  }
}
