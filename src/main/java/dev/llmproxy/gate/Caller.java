package dev.llmproxy.gate;

/**
 * Who is asking: the owner of an API key.
 *
 * @param email the key owner's address as it stands in the sheet
 * @param keyName what the owner calls the key
 * @param keyHash lower-case hex sha256 of the key
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
}
