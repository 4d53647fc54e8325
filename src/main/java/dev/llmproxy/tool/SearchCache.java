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
 * Makes of an engine's results the answer of {@code web_search}, with its sources and its line for
 * people, and remembers for five minutes what the web said to a question, whoever asked it.
 */
public final class SearchCache {
  private static final Duration LIFE = Duration.ofMinutes(5);
  private static final int MOST_ANSWERS = 1_000;
  // Costs nothing to ask again, and a better engine may be back.
  private static final String NOT_KEPT = "docs";

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

  /** The answer to the question, or null. */
  public Map<String, Object> find(@ExchangeProperty("query") String query) {
    return answers.getIfPresent(key(query));
  }

  /**
   * Makes the tool's answer of an engine's results, and keeps it.
   *
   * @return {@code engine} and {@code results}
   */
  public Map<String, Object> keep(
      @ExchangeProperty("query") String query,
      @ExchangeProperty("engine") String engine,
      @Body List<SearchResult> results) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("engine", engine);
    answer.put("results", results);
    if (!engine.equals(NOT_KEPT)) {
      answers.put(key(query), answer);
    }
    return answer;
  }

  /** What people are told of an answer. */
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
