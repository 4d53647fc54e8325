package dev.llmproxy.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;

/** Answers in memory, limited by their bytes and by their age. Thread-safe. */
final class StoredAnswers {
  /**
   * The memory of an entry in addition to its answer: the entry, its key of 64 characters, its
   * place in the table, and the array's header. With half a million entries these are 229 bytes.
   */
  static final int ENTRY_BYTES = 240;

  private final Cache<String, byte[]> answers;

  /**
   * @param most bytes that all entries may take together
   * @param life time after which an answer is no longer given
   * @param ticker the time
   */
  StoredAnswers(long most, Duration life, Ticker ticker) {
    answers =
        Caffeine.newBuilder()
            .maximumWeight(most)
            .weigher((String key, byte[] answer) -> ENTRY_BYTES + answer.length)
            .expireAfterWrite(life)
            .ticker(ticker)
            // On the storing thread: the limit holds at any time.
            .executor(Runnable::run)
            .build();
  }

  /** The answer, or null. Do not change it. */
  byte[] find(String key) {
    return answers.getIfPresent(key);
  }

  /** Stores an answer. Answers that were asked for less often may have to give way, or this one. */
  void store(String key, byte[] answer) {
    answers.put(key, answer);
  }

  /** The bytes that the entries take now. */
  long bytes() {
    answers.cleanUp();
    return answers.policy().eviction().orElseThrow().weightedSize().orElseThrow();
  }
}
