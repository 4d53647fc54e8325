package dev.llmproxy.provider;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Json;
import dev.llmproxy.Wire;
import dev.llmproxy.api.ApiError;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UpstreamErrorsTest {
  private static final Provider GROQ =
      new Provider("groq", "Groq", "openai", "http://127.0.0.1:1", "gsk_secret", null, List.of());

  private static final String HTML =
      "<!DOCTYPE html><html><head><title>502</title></head><body>nginx gsk-secret</body></html>";

  /** Columns: status, body | status, type, code, param, message of the answer. */
  @Wire({"6.kept", "6.502", "6.502auth", "6.504", "6.400context"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "null",
      value = {
        // The request's own fault keeps the provider's words.
        "400 | {\"error\":{\"message\":\"Bad seed.\",\"type\":\"invalid_request_error\",\"param\":\"seed\",\"code\":\"invalid_value\"}}"
            + " | 400 | invalid_request_error | invalid_value | seed | Bad seed.",
        "400 | {\"error\":{\"message\":\"This model's maximum context length is 8 tokens.\",\"param\":\"messages\",\"code\":\"context_length_exceeded\"}}"
            + " | 400 | invalid_request_error | context_length_exceeded | messages | This model's maximum context length is 8 tokens.",
        "400 | {\"error\":{\"message\":\"Bad.\",\"param\":null,\"code\":null}} | 400 | invalid_request_error | null | null | Bad.",
        "400 | {\"error\":\"Bad.\"}     | 400 | invalid_request_error | null | null | Bad.",
        "400 | [{\"error\":{\"message\":\"Bad.\"}}] | 400 | invalid_request_error | null | null | Bad.",
        "404 | {\"error\":{\"message\":\"No model x.\",\"code\":\"model_not_found\"}} | 404 | invalid_request_error | model_not_found | null | No model x.",
        "413 | {\"error\":{\"message\":\"Too large.\"}} | 413 | invalid_request_error | null | null | Too large.",
        "422 | {\"error\":{\"message\":\"No such role.\"}} | 422 | invalid_request_error | null | null | No such role.",
        "422 | {\"detail\":[]}         | 422 | invalid_request_error | null | null | The provider `groq` refused the request.",
        "400 | {\"error\":{\"message\":\" \"}} | 400 | invalid_request_error | null | null | The provider `groq` refused the request.",
        "400 | {\"error\":{\"message\":\"This model's maximum context length is 8 tokens.\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}"
            + " | 400 | invalid_request_error | context_length_exceeded | messages | This model's maximum context length is 8 tokens.",
        "400 | [{\"error\":{\"code\":400,\"message\":\"No such field.\",\"status\":\"INVALID_ARGUMENT\"}}] | 400 | invalid_request_error | null | null | No such field.",
        // What the provider thinks of this server is not the client's fault.
        "401 | {\"error\":{\"message\":\"Incorrect API key provided: gsk-secret\"}} | 502 | server_error | upstream_auth_error | null"
            + " | The provider `groq` refused this server's credentials; its administrator has to check the provider's key.",
        "403 | {\"error\":{\"message\":\"org-secret has no access\"}} | 502 | server_error | upstream_auth_error | null"
            + " | The provider `groq` refused this server's credentials; its administrator has to check the provider's key.",
        "400 | [{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}]"
            + " | 502 | server_error | upstream_auth_error | null"
            + " | The provider `groq` refused this server's credentials; its administrator has to check the provider's key.",
        // Time and limits.
        "408 | {}                     | 504 | server_error | upstream_timeout | null | The provider `groq` did not answer in time.",
        "504 | {}                     | 504 | server_error | upstream_timeout | null | The provider `groq` did not answer in time.",
        "429 | {}                     | 429 | requests | rate_limit_exceeded | null | The provider `groq` is over its rate limit.",
        "429 | {\"error\":{\"message\":\"Slow down.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}} | 429 | tokens | rate_limit_exceeded | null | Slow down.",
        "429 | {\"error\":{\"message\":\"No money.\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}} | 429 | insufficient_quota | insufficient_quota | null | No money.",
        "429 | [{\"error\":{\"code\":429,\"message\":\"Slow down.\",\"status\":\"RESOURCE_EXHAUSTED\"}}] | 429 | requests | rate_limit_exceeded | null | Slow down.",
        // Everything else is the provider's failure.
        "500 | {\"error\":{\"message\":\"Oops.\",\"code\":\"x\"}} | 502 | server_error | upstream_error | null | The provider `groq` failed with status 500: Oops.",
        "503 | no JSON                | 502 | server_error | upstream_error | null | The provider `groq` failed with status 503.",
        "529 | {}                     | 502 | server_error | upstream_error | null | The provider `groq` failed with status 529.",
        "402 | {}                     | 502 | server_error | upstream_error | null | The provider `groq` failed with status 402.",
        "409 | {}                     | 502 | server_error | upstream_error | null | The provider `groq` failed with status 409.",
        "302 | ''                     | 502 | server_error | upstream_error | null | The provider `groq` failed with status 302.",
        "204 | ''                     | 502 | server_error | upstream_error | null | The provider `groq` failed with status 204.",
      })
  void meansToTheClient(
      int status, String body, int answer, String type, String code, String param, String message) {
    ApiError error = of(status, null, body);
    assertThat(error.status()).isEqualTo(answer);
    assertThat(error.type()).isEqualTo(type);
    assertThat(error.code()).isEqualTo(code);
    assertThat(error.param()).isEqualTo(param);
    assertThat(error.message()).isEqualTo(message);
  }

  @ParameterizedTest
  @ValueSource(ints = {302, 400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504})
  void neverShowsAPage(int status) {
    assertThat(of(status, null, HTML).message()).doesNotContain("<", "nginx", "gsk-secret");
    String inJson = Json.text(Json.object().set("error", Json.object().put("message", HTML)));
    assertThat(of(status, null, inJson).message()).doesNotContain("<", "nginx", "gsk-secret");
  }

  @Test
  void shortensAMessageThatIsTooLong() {
    String body =
        Json.text(Json.object().set("error", Json.object().put("message", "x".repeat(5000))));
    assertThat(of(400, null, body).message()).hasSizeLessThan(2100).endsWith("…");
  }

  /** Columns: status, Retry-After of the provider | seconds that the client is told. */
  @Wire({"6.kept429", "6.retry"})
  @ParameterizedTest
  @CsvSource({
    "429, 7, 7",
    "429, ' 7 ', 7",
    "429, 0, 0",
    "429, , 5",
    "429, -1, 5",
    "429, soon, 5",
    "429, 1.5, 5",
    "429, 99999999999999999999, 5",
    "400, 7, ",
    "500, 7, ",
  })
  void tellsWhenToTryAgainAfterARateLimit(int status, String retryAfter, Long seconds) {
    assertThat(of(status, retryAfter, "{}").retryAfter())
        .isEqualTo(seconds == null ? null : Duration.ofSeconds(seconds));
  }

  /** wire.md §6: SDKs would retry a used-up budget twice. Columns: type | code | in vain. */
  @Wire("6.429quota")
  @ParameterizedTest
  @CsvSource({
    "insufficient_quota, insufficient_quota, true",
    "requests, insufficient_quota, true",
    "insufficient_quota, , true",
    "requests, rate_limit_exceeded, false",
    "tokens, , false",
  })
  void tellsThatWaitingForABudgetIsInVain(String type, String code, boolean inVain) {
    String body =
        Json.text(Json.object().set("error", Json.object().put("type", type).put("code", code)));
    assertThat(of(429, null, body).retryInVain()).isEqualTo(inVain);
    assertThat(of(429, null, body).retryAfter() == null).isEqualTo(inVain);
    assertThat(of(429, "7", body).retryAfter()).isEqualTo(Duration.ofSeconds(7));
    assertThat(of(500, null, body).retryInVain()).isFalse();
  }

  @Test
  void inAStreamNamesTheProviderAndKeepsItsWords() {
    ApiError error = UpstreamErrors.inStream(GROQ, Json.object().put("message", "Overloaded."));
    assertThat(error.code()).isEqualTo("upstream_error");
    assertThat(error.message()).isEqualTo("The provider `groq` failed: Overloaded.");
    assertThat(UpstreamErrors.inStream(GROQ, Json.object().put("message", HTML)).message())
        .isEqualTo("The provider `groq` failed in the middle of its answer.");
  }

  private static ApiError of(int status, String retryAfter, String body) {
    return UpstreamErrors.of(GROQ, status, retryAfter, body.getBytes(UTF_8));
  }

  @Test
  void aMessageThatQuotesThisServersKeyIsShownWithoutIt() {
    ApiError error =
        UpstreamErrors.inStream(GROQ, Json.object().put("message", "Bad key gsk_secret!"));

    assertThat(error.message()).contains("Bad key").doesNotContain("gsk_secret");
  }
}
