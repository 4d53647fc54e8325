package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SearchCacheTest {
  private static final List<SearchResult> FOUND =
      List.of(new SearchResult("Title", "https://example.com", "Snippet"));

  private final AtomicLong now = new AtomicLong();
  private final SearchCache cache = new SearchCache(now::get);

  @Test
  void answersExpireAfterFiveMinutes() {
    var answer = cache.store("camels", "brave", FOUND);

    now.set(Duration.ofMinutes(5).minusSeconds(1).toNanos());
    assertThat(cache.find("camels")).isEqualTo(answer);
    now.set(Duration.ofMinutes(5).plusSeconds(1).toNanos());
    assertThat(cache.find("camels")).isNull();
  }

  @Test
  void answersFromDocumentsAreNotCached() {
    assertThat(cache.store("camels", "docs", FOUND)).containsEntry("results", FOUND);
    assertThat(cache.find("camels")).isNull();
  }
}
