package dev.llmproxy.usage;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Tokens of a request.
 *
 * @param in prompt tokens
 * @param out completion tokens
 */
public record TokenCount(long in, long out) {
  /** That of OpenAI's usage object. */
  public static TokenCount of(JsonNode usage) {
    return new TokenCount(
        count(usage.path("prompt_tokens")), count(usage.path("completion_tokens")));
  }

  /** From 0 on; what is too large for a long is the largest. */
  private static long count(JsonNode number) {
    return number.isBigInteger()
        ? RequestTable.saturated(number.bigIntegerValue())
        : Math.max(0, number.asLong());
  }
}
