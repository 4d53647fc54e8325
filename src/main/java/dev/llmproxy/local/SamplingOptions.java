package dev.llmproxy.local;

import java.util.List;

/**
 * Options for choosing the tokens of an answer and for its end.
 *
 * @param temperature 0 takes always the most likely token; higher values up to 2 make the choice
 *     more random
 * @param topP above 0, at most 1: choose among the most likely tokens with this total probability
 * @param seed makes the random choices repeatable; null for different choices each time
 * @param maxTokens the most tokens of the answer, 1 or more; the context length is a limit, too
 * @param stops texts that end the answer and are not part of it; not empty
 */
public record SamplingOptions(
    double temperature, double topP, Long seed, int maxTokens, List<String> stops) {
  /**
   * Enough for any good answer of this model, and short enough to end an endless one within
   * seconds.
   */
  public static final int DEFAULT_MAX_TOKENS = 512;

  /**
   * @throws IllegalArgumentException when a value is outside its range; the message names it
   */
  public SamplingOptions {
    require(temperature >= 0 && temperature <= 2, "temperature must be between 0 and 2");
    require(topP > 0 && topP <= 1, "top_p must be above 0 and at most 1");
    require(maxTokens >= 1, "max_tokens must be at least 1");
    stops = List.copyOf(stops);
    require(stops.stream().noneMatch(String::isEmpty), "stop must not contain an empty text");
  }

  /**
   * Temperature 0.2 and top_p 0.9, as the model card recommends, because a small model is
   * incoherent with more. A random seed, {@value #DEFAULT_MAX_TOKENS} tokens, no stops.
   */
  public static SamplingOptions defaults() {
    return new SamplingOptions(0.2, 0.9, null, DEFAULT_MAX_TOKENS, List.of());
  }

  private static void require(boolean valid, String message) {
    if (!valid) {
      throw new IllegalArgumentException(message);
    }
  }
}
