package dev.llmproxy.error;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.Wire;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLHandshakeException;
import org.apache.camel.CamelExecutionException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class OpenAiErrorsTest {
  private static final String SECRET = "10.0.0.7:443 gsk-secret";

  /** Columns: error | status, type, code and param in the contract's table. */
  static List<Arguments> errors() {
    return List.of(
        error(OpenAiErrors.missingApiKey(), 401, "invalid_request_error", null, null),
        error(OpenAiErrors.invalidApiKey(), 401, "invalid_request_error", "invalid_api_key", null),
        error(OpenAiErrors.keysUnavailable(), 503, "server_error", "overloaded", null),
        error(OpenAiErrors.badJson("why."), 400, "invalid_request_error", null, null),
        error(
            OpenAiErrors.missing("messages"),
            400,
            "invalid_request_error",
            "missing_required_parameter",
            "messages"),
        error(
            OpenAiErrors.invalidType("n", "an integer"),
            400,
            "invalid_request_error",
            "invalid_type",
            "n"),
        error(
            OpenAiErrors.invalidValue("messages[2].role", "no."),
            400,
            "invalid_request_error",
            "invalid_value",
            "messages[2].role"),
        error(
            OpenAiErrors.contextLengthExceeded(8, 9),
            400,
            "invalid_request_error",
            "context_length_exceeded",
            "messages"),
        error(
            OpenAiErrors.modelNotFound("x"),
            404,
            "invalid_request_error",
            "model_not_found",
            "model"),
        error(
            OpenAiErrors.unknownUrl("GET", "/x", null),
            404,
            "invalid_request_error",
            "unknown_url",
            null),
        error(
            OpenAiErrors.methodNotSupported("GET", "/x"),
            405,
            "invalid_request_error",
            "method_not_supported",
            null),
        error(
            OpenAiErrors.requestTooLarge(20),
            413,
            "invalid_request_error",
            "request_too_large",
            null),
        error(OpenAiErrors.busy("Busy."), 429, "requests", "rate_limit_exceeded", null),
        error(
            OpenAiErrors.rateLimited("requests", "a limit", Duration.ofSeconds(5), false),
            429,
            "requests",
            "rate_limit_exceeded",
            null),
        error(
            OpenAiErrors.budgetExceeded(
                BigDecimal.TEN, BigDecimal.ONE, BigDecimal.TWO, Duration.ofSeconds(5)),
            429,
            "insufficient_quota",
            "insufficient_quota",
            null),
        error(
            OpenAiErrors.priceUnknown("x"), 403, "invalid_request_error", "price_unknown", "model"),
        error(
            OpenAiErrors.tooManyWrongKeys(Duration.ofSeconds(5)),
            429,
            "requests",
            "rate_limit_exceeded",
            null),
        error(OpenAiErrors.internal(), 500, "server_error", "internal_error", null),
        error(OpenAiErrors.upstream("Failed."), 502, "server_error", "upstream_error", null),
        error(
            OpenAiErrors.upstreamAuthentication("groq"),
            502,
            "server_error",
            "upstream_auth_error",
            null),
        error(OpenAiErrors.unavailable("Stopping."), 503, "server_error", "overloaded", null),
        error(
            OpenAiErrors.upstreamTimeout("Slow."), 504, "server_error", "upstream_timeout", null));
  }

  @Wire({
    "6.400",
    "6.401",
    "6.404",
    "6.404url",
    "6.405",
    "6.413",
    "6.429",
    "6.500",
    "6.502",
    "6.502auth",
    "6.503",
    "6.504"
  })
  @ParameterizedTest
  @MethodSource("errors")
  void errorsHaveTheValuesOfTheContract(
      ApiError error, int status, String type, String code, String param) {
    assertThat(error.status()).isEqualTo(status);
    assertThat(error.type()).isEqualTo(type);
    assertThat(error.code()).isEqualTo(code);
    assertThat(error.param()).isEqualTo(param);
  }

  @Wire("6.body")
  @ParameterizedTest
  @MethodSource("errors")
  void errorsHaveAllFourKeysInJson(
      ApiError error, int status, String type, String code, String param) {
    JsonNode body = error.toJson();
    assertThat(body.fieldNames()).toIterable().containsExactly("error");
    JsonNode json = body.get("error");
    assertThat(json.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("message", "type", "param", "code");
    assertThat(json.get("message").textValue()).isEqualTo(error.message()).isNotBlank();
    assertThat(json.get("type").textValue()).isEqualTo(type);
    assertThat(json.get("code").textValue()).isEqualTo(code);
    assertThat(json.get("param").textValue()).isEqualTo(param);
  }

  @Wire("6.retry")
  @ParameterizedTest
  @MethodSource("errors")
  void errorsThatPassHaveARetryTime(
      ApiError error, int status, String type, String code, String param) {
    boolean waitingHelps = status == 429 || status == 503;
    assertThat(error.retryAfter()).isEqualTo(waitingHelps ? Duration.ofSeconds(5) : null);
  }

  @Wire({"6.404", "6.400context"})
  @Test
  void messagesHaveTheWordsThatClientsMatch() {
    assertThat(OpenAiErrors.contextLengthExceeded(2048, 3000).message())
        .contains("maximum context length is 2048 tokens");
    assertThat(OpenAiErrors.modelNotFound("x/y").message())
        .isEqualTo("The model `x/y` does not exist or you do not have access to it.");
  }

  /** Columns: exception during a provider call | status and code. */
  static List<Arguments> failedCalls() {
    return List.of(
        Arguments.of(new ConnectTimeoutException(SECRET), 504, "upstream_timeout"),
        Arguments.of(new SocketTimeoutException(SECRET), 504, "upstream_timeout"),
        Arguments.of(new UnknownHostException(SECRET), 502, "upstream_error"),
        Arguments.of(new ConnectException(SECRET), 502, "upstream_error"),
        Arguments.of(new SSLHandshakeException(SECRET), 502, "upstream_error"),
        Arguments.of(new NoHttpResponseException(SECRET), 502, "upstream_error"),
        Arguments.of(new SocketException(SECRET), 502, "upstream_error"),
        Arguments.of(new EOFException(SECRET), 502, "upstream_error"),
        Arguments.of(
            new UncheckedIOException(SECRET, new SocketTimeoutException(SECRET)),
            504,
            "upstream_timeout"),
        Arguments.of(
            new CamelExecutionException(SECRET, null, new ConnectException(SECRET)),
            502,
            "upstream_error"),
        Arguments.of(new IllegalStateException(SECRET), 500, "internal_error"),
        Arguments.of(new StackOverflowError(SECRET), 500, "internal_error"));
  }

  @Wire({"6.500", "6.502", "6.504"})
  @ParameterizedTest
  @MethodSource("failedCalls")
  void failedProviderCallsAreMappedByCauseWithoutDetails(
      Throwable thrown, int status, String code) {
    ApiError error = OpenAiErrors.of(thrown, "groq");
    assertThat(error.status()).isEqualTo(status);
    assertThat(error.code()).isEqualTo(code);
    assertThat(error.message()).doesNotContain("10.0.0.7", "gsk-secret");
  }

  @ParameterizedTest
  @MethodSource("failedCalls")
  void failuresWithoutAProviderAreInternalErrors(Throwable thrown, int status, String code) {
    assertThat(OpenAiErrors.of(thrown, null)).isEqualTo(OpenAiErrors.internal());
  }

  @Test
  void nestedApiErrorsAreFound() {
    ApiError declared = OpenAiErrors.missing("model");
    assertThat(OpenAiErrors.of(declared.asException(), null)).isEqualTo(declared);
    assertThat(
            OpenAiErrors.of(
                new IllegalStateException(new IOException(declared.asException())), null))
        .isEqualTo(declared);
    assertThat(
            OpenAiErrors.of(new CamelExecutionException("x", null, declared.asException()), "groq"))
        .isEqualTo(declared);
  }

  private static Arguments error(
      ApiError error, int status, String type, String code, String param) {
    return Arguments.of(error, status, type, code, param);
  }
}
