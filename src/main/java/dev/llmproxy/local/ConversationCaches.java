package dev.llmproxy.local;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;

/**
 * The caches of the last conversations. With them the model reads only the new tokens of a
 * follow-up message. Not thread-safe.
 */
final class ConversationCaches {
  private final int limit;
  private final Supplier<KeyValueCache> factory;
  private final Deque<KeyValueCache> recent = new ArrayDeque<>(); // the most recently used first

  /**
   * @param limit the most caches
   */
  ConversationCaches(int limit, Supplier<KeyValueCache> factory) {
    this.limit = limit;
    this.factory = factory;
  }

  /**
   * Returns a cache with the longest known start of the prompt and nothing else. It never has the
   * last token of the prompt, because the model must read at least one token to answer.
   */
  KeyValueCache forPrompt(int[] prompt) {
    KeyValueCache cache = choose(prompt);
    recent.remove(cache);
    recent.addFirst(cache);
    cache.truncate(Math.min(cache.commonPrefix(prompt), prompt.length - 1));
    return cache;
  }

  /**
   * The cache with the most tokens of the prompt. If it has less than half of them, probably only a
   * system message is shared. Then it belongs to another conversation and is used only if no cache
   * is free.
   */
  private KeyValueCache choose(int[] prompt) {
    KeyValueCache best = null;
    for (KeyValueCache cache : recent) {
      if (best == null || cache.commonPrefix(prompt) > best.commonPrefix(prompt)) {
        best = cache;
      }
    }
    if (best != null && best.commonPrefix(prompt) >= prompt.length / 2) {
      return best;
    }
    return recent.size() < limit ? factory.get() : recent.getLast();
  }
}
