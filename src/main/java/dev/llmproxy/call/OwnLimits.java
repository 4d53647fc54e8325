package dev.llmproxy.call;

/**
 * The limits that a key has in place of its tier's.
 *
 * @param budget US dollars in a calendar month, UTC; null: the tier's
 * @param requestsPerMinute chats and embeddings a minute; null: the tier's
 */
public record OwnLimits(Limit budget, Limit requestsPerMinute) {
  /** The tier's limits apply. */
  public static final OwnLimits NONE = new OwnLimits(null, null);
}
