package dev.llmproxy.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorFormTest {
  @ParameterizedTest
  @CsvSource({
    "/v1/messages, MESSAGES",
    "/v1/messages/count_tokens, MESSAGES",
    "/v1/v1/messages, MESSAGES",
    "/v1/messages2, OPENAI",
    "/v1/responses, RESPONSES",
    "/v1/responses/resp_1/input_items, RESPONSES",
    "/v1/chat/completions, OPENAI",
    "/, OPENAI"
  })
  void path_decidesTheForm(String path, ErrorForm form) {
    assertThat(ErrorForm.of(path)).isEqualTo(form);
  }

  @ParameterizedTest
  @CsvSource({
    "400, 400, invalid_request_error",
    "401, 401, authentication_error",
    "403, 403, permission_error",
    "404, 404, not_found_error",
    "405, 405, invalid_request_error",
    "413, 413, request_too_large",
    "422, 422, invalid_request_error",
    "429, 429, rate_limit_error",
    "500, 500, api_error",
    "502, 502, api_error",
    "503, 529, overloaded_error",
    "504, 504, timeout_error"
  })
  void messages_haveAnthropicsStatusAndType(int status, int sent, String type) {
    ErrorForm.Answer answer =
        ErrorForm.MESSAGES.answer(new ApiError(status, "t", "c", "p", "Why."), "req_1");
    assertThat(answer.status()).isEqualTo(sent);
    assertThat(answer.body())
        .hasToString(
            "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"Why.\"},\"request_id\":\"req_1\"}"
                .formatted(type));
  }

  @Test
  void messages_aFailedProvider_isNotToBeAskedAgainByTheClient() {
    assertThat(ErrorForm.MESSAGES.answer(OpenAiErrors.upstream("It failed."), "r").headers())
        .containsEntry("x-should-retry", "false");
    assertThat(
            ErrorForm.MESSAGES
                .answer(OpenAiErrors.unavailable("Busy.", Duration.ofSeconds(2)), "r")
                .headers())
        .containsEntry("Retry-After", "2")
        .doesNotContainKey("x-should-retry");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "This model's maximum context length is 200000 tokens. However, your messages resulted in 212345 tokens."
            + " | prompt is too long: 212345 tokens > 200000 maximum",
        "The input has 9,001 tokens and the limit is 8,192. | prompt is too long: 9001 tokens > 8192 maximum",
        "The request is too long. | prompt is too long: The request is too long."
      })
  void messages_aLongPrompt_isToldInTheWordsThatClaudeCodeReads(String message, String sent) {
    ApiError error =
        new ApiError(400, "invalid_request_error", "context_length_exceeded", null, message);
    assertThat(ErrorForm.MESSAGES.answer(error, "r").body().at("/error/message").asText())
        .isEqualTo(sent);
  }

  @Test
  void responses_whatNeverSucceeds_is400_andAFailedProvider503() {
    assertThat(ErrorForm.RESPONSES.answer(OpenAiErrors.modelNotFound("m"), "r").status())
        .isEqualTo(400);
    ErrorForm.Answer failed = ErrorForm.RESPONSES.answer(OpenAiErrors.upstream("It failed."), "r");
    assertThat(failed.status()).isEqualTo(503);
    assertThat(failed.body().at("/error/code").asText()).isEqualTo("server_is_overloaded");
    assertThat(failed.body().at("/error/message").asText()).isEqualTo("It failed.");
    assertThat(failed.headers()).containsEntry("x-should-retry", "false");
    assertThat(ErrorForm.RESPONSES.answer(OpenAiErrors.invalidApiKey(), "r").status())
        .isEqualTo(401);
  }
}
