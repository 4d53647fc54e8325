package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;

/**
 * Tokens of a request.
 *
 * @param in prompt tokens
 * @param cached the prompt tokens from the provider's cache; at most {@code in}
 * @param out completion tokens
 */
public record TokenCount(long in, long cached, long out) {
  private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

  /** Tokens of a request without cached ones. */
  public TokenCount(long in, long out) {
    this(in, 0, out);
  }

  /** The token count of OpenAI's usage object. */
  public static TokenCount of(JsonNode usage) {
    long in = count(usage.path("prompt_tokens"));
    JsonNode cached = usage.path("prompt_tokens_details").path("cached_tokens");
    // DeepSeek's name.
    JsonNode other = usage.path("prompt_cache_hit_tokens");
    return new TokenCount(
        in,
        Math.min(in, count(cached.isNumber() ? cached : other)),
        count(usage.path("completion_tokens")));
  }

  /** The number, at least 0 and at most the largest long. */
  private static long count(JsonNode number) {
    return number.isBigInteger()
        ? number.bigIntegerValue().max(BigInteger.ZERO).min(MAX).longValue()
        : Math.max(0, number.asLong());
  }
}
