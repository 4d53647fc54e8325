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
        usage.path("prompt_tokens").asLong(), usage.path("completion_tokens").asLong());
  }
}
