package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.PromptCount;
import dev.llmproxy.chat.Usage;

/**
 * Anthropic's usage object. Its {@code input_tokens} exclude the tokens of the provider's cache;
 * OpenAI's {@code prompt_tokens} include them.
 */
final class MessageUsage {
  private MessageUsage() {}

  /**
   * The usage of a complete answer.
   *
   * @param reported OpenAI's usage object
   * @param searches the searches that the server has run
   */
  static ObjectNode of(ObjectNode reported, int searches) {
    JsonNode details = reported.path("prompt_tokens_details");
    long read = details.path("cached_tokens").asLong();
    long written = details.path("cache_write_tokens").asLong();
    ObjectNode usage =
        Json.object()
            .put(
                "input_tokens",
                Math.max(0, reported.path("prompt_tokens").asLong() - read - written))
            .put("cache_creation_input_tokens", written)
            .put("cache_read_input_tokens", read)
            .put("output_tokens", reported.path("completion_tokens").asLong());
    if (searches > 0) {
      usage.putObject("server_tool_use").put("web_search_requests", searches);
    }
    return usage;
  }

  /**
   * The usage before the answer: what the provider has reported so far, or else an estimate. The
   * {@code input_tokens} are never 0, because clients would take the prompt for empty.
   */
  static ObjectNode before(ChatCall chat) {
    ObjectNode reported = chat.turns().used().reported();
    boolean known = reported != null && reported.path("prompt_tokens").asLong() > 0;
    ObjectNode usage =
        of(known ? reported : Usage.of(PromptCount.estimate(chat.request().body()), 0), 0);
    if (usage.get("input_tokens").longValue() == 0) {
      usage.put("input_tokens", 1);
    }
    return usage.put("output_tokens", 1);
  }
}
