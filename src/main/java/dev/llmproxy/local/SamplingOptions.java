package dev.llmproxy.local;

import java.util.List;

/**
 * How the tokens of an answer are chosen, and when it ends.
 *
 * @param temperature 0 always takes the most likely token; up to 2 the choice becomes more random
 * @param topP from above 0 to 1: choose among the most likely tokens that together have this share
 * @param seed makes a random choice repeatable; null for a different one each time
 * @param maxTokens most tokens of the answer, 1 or more; the end of the context ends it, too
 * @param stops texts that end the answer and are not part of it; none may be empty
 */
public record SamplingOptions(
    double temperature, double topP, Long seed, int maxTokens, List<String> stops) {
  /** Long enough for any good answer of this model; a rambling one ends within seconds. */
  public static final int DEFAULT_MAX_TOKENS = 512;

  /**
   * @throws IllegalArgumentException when a value is outside its range; the message names it
   */
  public SamplingOptions {
    require(temperature >= 0 && temperature <= 2, "temperature must be between 0 and 2");
    require(topP > 0 && topP <= 1, "top_p must be above 0 and at most 1");
    require(maxTokens >= 1, "max_tokens must be at least 1");
    stops = List.copyOf(stops);
    require(stops.stream().noneMatch(String::isEmpty), "stop must not hold an empty text");
  }

  /**
   * Temperature 0.2 and top_p 0.9, which the model's card recommends: a model this small loses the
   * thread with more. A random seed, {@value #DEFAULT_MAX_TOKENS} tokens, no stops.
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
