package dev.llmproxy.tool;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Builds the answer of {@code web_search} from an engine's results, and caches answers for five
 * minutes for all callers.
 */
public final class SearchCache {
  private static final Duration LIFE = Duration.ofMinutes(5);
  private static final int MOST_ANSWERS = 1_000;
  // A local search costs nothing, and a web engine may work again.
  private static final String NOT_CACHED = "docs";

  private final Cache<String, Map<String, Object>> answers;

  public SearchCache() {
    this(Ticker.systemTicker());
  }

  SearchCache(Ticker ticker) {
    answers =
        Caffeine.newBuilder()
            .expireAfterWrite(LIFE)
            .maximumSize(MOST_ANSWERS)
            .ticker(ticker)
            .build();
  }

  /** The cached answer to the query, or null. */
  public Map<String, Object> find(@ExchangeProperty("query") String query) {
    return answers.getIfPresent(key(query));
  }

  /**
   * Builds the tool's answer from an engine's results and caches it.
   *
   * @return the fields {@code engine} and {@code results}
   */
  public Map<String, Object> store(
      @ExchangeProperty("query") String query,
      @ExchangeProperty("engine") String engine,
      @Body List<SearchResult> results) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("engine", engine);
    answer.put("results", results);
    if (!engine.equals(NOT_CACHED)) {
      answers.put(key(query), answer);
    }
    return answer;
  }

  /** Sets the tool's sources and its summary for people. */
  public void summarise(@Body Map<String, Object> answer, Exchange exchange) {
    List<?> results = (List<?>) answer.get("results");
    exchange.setProperty(ToolRunner.SOURCES, results);
    exchange.setProperty(
        ToolRunner.SUMMARY,
        "%d %s from %s"
            .formatted(
                results.size(), results.size() == 1 ? "result" : "results", answer.get("engine")));
  }

  private static String key(String query) {
    return query.strip().toLowerCase(Locale.ROOT);
  }
}
