package dev.llmproxy.cache;

import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.Locale;

/** What the client wants of the response cache, by the request header {@code x-llmproxy-cache}. */
enum CacheWish {
  /** No header: only requests whose answer is the same each time use the cache. */
  DEFAULT,
  /** The answer may come from the cache, whatever the temperature. */
  USE,
  /** The provider answers, and its answer replaces the stored one. */
  REFRESH,
  /** The answer neither comes from the cache nor is stored. */
  OFF;

  /**
   * @param header the value of the header; null or blank for the default
   * @throws ApiException 400 for an unknown value
   */
  static CacheWish of(String header) {
    if (header == null || header.isBlank()) {
      return DEFAULT;
    }
    return switch (header.strip().toLowerCase(Locale.ROOT)) {
      case "use" -> USE;
      case "refresh" -> REFRESH;
      case "off" -> OFF;
      default ->
          throw OpenAiErrors.invalidValue(ResponseCache.HEADER, "it must be use, refresh or off.")
              .asException();
    };
  }
}
