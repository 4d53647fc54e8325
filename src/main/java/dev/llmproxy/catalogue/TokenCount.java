package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.util.List;

/**
 * Tokens of one turn, by OpenAI's way of counting: prompt tokens include those of the cache,
 * completion tokens include reasoning. The parts of the prompt do not overlap; together they are at
 * most {@code in}.
 *
 * @param in prompt tokens
 * @param cached the prompt tokens from the provider's cache
 * @param cacheWrite the prompt tokens that the provider wrote into its cache
 * @param cacheWrite1h those of {@code cacheWrite} that it keeps for an hour
 * @param audioIn the prompt tokens of sounds that are neither read from the cache nor written to it
 * @param out completion tokens
 * @param audioOut the completion tokens of sounds; at most {@code out}
 */
public record TokenCount(
    long in,
    long cached,
    long cacheWrite,
    long cacheWrite1h,
    long audioIn,
    long out,
    long audioOut) {
  private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

  public TokenCount {
    cached = part(cached, in);
    cacheWrite = part(cacheWrite, in - cached);
    cacheWrite1h = part(cacheWrite1h, cacheWrite);
    audioIn = part(audioIn, in - cached - cacheWrite);
    audioOut = part(audioOut, out);
  }

  /** Tokens without parts of their own prices. */
  public TokenCount(long in, long out) {
    this(in, 0, 0, 0, 0, out, 0);
  }

  /** The token count of OpenAI's usage object, with the names that other providers add to it. */
  public static TokenCount of(JsonNode usage) {
    JsonNode prompt = usage.path("prompt_tokens_details");
    return new TokenCount(
        count(usage.path("prompt_tokens")),
        // DeepSeek's and Moonshot's names.
        first(
            prompt.path("cached_tokens"),
            usage.path("prompt_cache_hit_tokens"),
            usage.path("cached_tokens")),
        first(prompt.path("cache_write_tokens"), usage.path("cache_creation_input_tokens")),
        count(usage.path("cache_creation").path("ephemeral_1h_input_tokens")),
        count(prompt.path("audio_tokens")),
        count(usage.path("completion_tokens")),
        count(usage.path("completion_tokens_details").path("audio_tokens")));
  }

  /** The sum over several turns. */
  public static TokenCount sum(List<TokenCount> turns) {
    return turns.size() == 1
        ? turns.getFirst()
        : turns.stream().reduce(new TokenCount(0, 0), TokenCount::plus);
  }

  private TokenCount plus(TokenCount other) {
    return new TokenCount(
        in + other.in,
        cached + other.cached,
        cacheWrite + other.cacheWrite,
        cacheWrite1h + other.cacheWrite1h,
        audioIn + other.audioIn,
        out + other.out,
        audioOut + other.audioOut);
  }

  private static long part(long count, long whole) {
    return Math.clamp(count, 0, Math.max(0, whole));
  }

  private static long first(JsonNode... numbers) {
    for (JsonNode number : numbers) {
      if (number.isNumber()) {
        return count(number);
      }
    }
    return 0;
  }

  /** The number, at least 0 and at most the largest long. */
  private static long count(JsonNode number) {
    return number.isBigInteger()
        ? number.bigIntegerValue().max(BigInteger.ZERO).min(MAX).longValue()
        : Math.max(0, number.asLong());
  }
}
