package dev.llmproxy.provider.openai;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FinishReasonTest {
  @ParameterizedTest
  @CsvSource({
    "STOP, 'stop STOP eos eos_token end_turn stop_sequence COMPLETE Complete normal endoftext FINISH'",
    "LENGTH, 'length MAX_TOKENS MaxTokens max_length model_length token_limit pause_turn CONTINUATION'",
    "LENGTH, 'model_context_window_exceeded context_length_exceeded max_output_tokens'",
    "LENGTH, 'finish_reason_max_tokens_reached output_length_cap'",
    "CONTENT_FILTER, 'content_filter SAFETY RECITATION SPII sensitive content_filtered refusal'",
    "CONTENT_FILTER, 'content_filter:PROHIBITED_CONTENT guardrail_intervened ERROR_TOXIC'",
    "CONTENT_FILTER, 'IMAGE_PROHIBITED_CONTENT BLOCKLIST prompt_blocked_by_safety_filter'",
    "TOOL_CALLS, 'tool_calls TOOL_CALL tool_use ToolUse'",
    "FUNCTION_CALL, 'function_call'",
    "FAILED, 'error Error ERROR ERROR_LIMIT abort cancelled canceled user_cancelled USER_CANCEL'",
    "FAILED, 'timeout TIMEOUT time_limit network_error insufficient_system_resource'",
    "FAILED, 'MALFORMED_FUNCTION_CALL malformed_tool_use engine_failure request_timed_out'",
    "OTHER, 'OTHER FINISH_REASON_UNSPECIFIED NO_IMAGE'",
    "UNKNOWN, 'quota_of_moons blue'"
  })
  void reasonHasItsDocumentedMeaning(FinishReason meaning, String reasons) {
    for (String reason : reasons.split(" ", -1)) {
      assertThat(FinishReason.of(reason)).as(reason).isEqualTo(meaning);
    }
  }
}
