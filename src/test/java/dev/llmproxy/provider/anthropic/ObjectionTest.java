package dev.llmproxy.provider.anthropic;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.provider.anthropic.MessagesRequest.Part;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ObjectionTest {
  /** A request with every part that Anthropic may refuse. */
  private static final String WITH_THOUGHTS =
      """
      {"model": "anthropic/claude-opus-5", "reasoning_effort": "high", "messages": [
         {"role": "user", "content": "Hello"},
         {"role": "assistant", "content": "Hi",
          "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]},
         {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Well?"}],
       "tools": [{"type": "function", "function": {"name": "now"}}], "tool_choice": "required",
       "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}}
      """;

  private static final String WITH_SAMPLING =
      """
      {"model": "anthropic/claude-haiku-4-5", "temperature": 0.5, "messages": [
         {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]}
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tool_choice: type \"tool\" and \"any\" are not supported for this model | FORCED_TOOLS",
        "messages.1.content.0: Invalid `signature` in `thinking` block | THOUGHTS",
        "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified | THOUGHTS",
        "Invalid signature in thinking block. The block is bound to a different conversation | THOUGHTS",
        "thinking.type.adaptive is not supported for this model | THINKING",
        "This model does not support the effort parameter. | THINKING",
        "output_config.format: structured outputs are not supported for this model | SCHEMA",
        "messages.2.role: unexpected role \"system\" is not allowed | LATE_SYSTEM",
        "prompt is too long: 206640 tokens > 200000 maximum |",
        "tools.0.custom.name: String should match pattern |",
        "`max_tokens` must be greater than `thinking.budget_tokens` |",
      })
  void theRefusedPartIsFound(String message, Part part) {
    assertThat(parts(message, WITH_THOUGHTS)).isEqualTo(part == null ? Set.of() : Set.of(part));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "`temperature` is deprecated for this model. | SAMPLING",
        "This model does not support assistant message prefill. The conversation must end with a user message. | PREFILL",
        "temperature: range: 0..1 |",
        "tool_choice: not supported for this model |",
        "Invalid `signature` in `thinking` block |",
      })
  void onlyPartsOfTheRequestAreFound(String message, Part part) {
    assertThat(parts(message, WITH_SAMPLING)).isEqualTo(part == null ? Set.of() : Set.of(part));
  }

  private static Set<Part> parts(String message, String request) {
    return Objection.in(
        "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"%s\"}}"
            .formatted(message.replace("\"", "'")),
        new MessagesRequest(Chats.of(request), Set.of(), new ToolMemory()));
  }
}
