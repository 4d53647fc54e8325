package dev.llmproxy.local;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;

/**
 * Keeps the caches of the last conversations, so that a follow-up message costs only its own
 * tokens. Used by one thread at a time.
 */
final class ConversationCaches {
  private final int limit;
  private final Supplier<KeyValueCache> factory;
  private final Deque<KeyValueCache> recent = new ArrayDeque<>(); // the last used first

  /**
   * @param limit most caches kept
   */
  ConversationCaches(int limit, Supplier<KeyValueCache> factory) {
    this.limit = limit;
    this.factory = factory;
  }

  /**
   * A cache that holds the start of the prompt, as much of it as is known, and nothing else. At
   * least the last token of the prompt is left to read, as the model has to answer it.
   */
  KeyValueCache forPrompt(int[] prompt) {
    KeyValueCache cache = choose(prompt);
    recent.remove(cache);
    recent.addFirst(cache);
    cache.truncate(Math.min(cache.commonPrefix(prompt), prompt.length - 1));
    return cache;
  }

  /**
   * The cache that knows most of the prompt. Knowing less than half of it means that only a system
   * message is shared: then another conversation's cache is left alone while there is a choice.
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
