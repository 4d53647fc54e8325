package dev.llmproxy.local;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ConversationCachesTest {
  private final ConversationCaches caches =
      new ConversationCaches(2, () -> new KeyValueCache(1, 1, 100));

  @Test
  void commonStartWithTheNextPromptIsReused() {
    KeyValueCache first = converse(1, 2, 3, 4);

    KeyValueCache next = caches.forPrompt(new int[] {1, 2, 3, 9, 10});

    assertThat(next).isSameAs(first);
    assertThat(next.length()).isEqualTo(3);
  }

  @Test
  void lastTokenIsNeverTakenFromTheCache() {
    converse(1, 2, 3, 4);

    assertThat(caches.forPrompt(new int[] {1, 2, 3, 4}).length()).isEqualTo(3);
  }

  @Test
  void twoConversationsHaveSeparateCaches() {
    KeyValueCache first = converse(1, 2, 3, 4);
    KeyValueCache second = converse(1, 7, 8, 9);

    assertThat(second).isNotSameAs(first);
    assertThat(caches.forPrompt(new int[] {1, 2, 3, 4, 5})).isSameAs(first);
    assertThat(caches.forPrompt(new int[] {1, 7, 8, 9, 5})).isSameAs(second);
  }

  @Test
  void leastRecentlyUsedCacheIsReplaced() {
    KeyValueCache first = converse(1, 2, 3, 4);
    converse(1, 7, 8, 9);

    assertThat(converse(1, 11, 12, 13)).isSameAs(first);
  }

  private KeyValueCache converse(int... tokens) {
    KeyValueCache cache = caches.forPrompt(tokens);
    for (int i = cache.length(); i < tokens.length; i++) {
      cache.append(tokens[i]);
    }
    return cache;
  }
}
