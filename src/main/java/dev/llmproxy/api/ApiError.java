package dev.llmproxy.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A failure as the client is told of it: OpenAI's error object with its HTTP status.
 *
 * @param status HTTP status, 400 to 599
 * @param type OpenAI's category, e.g. {@code invalid_request_error}
 * @param code machine-readable reason, or null
 * @param param path of the request field at fault, or null
 * @param message what is wrong and what to do about it; never holds a key or a provider's secret
 * @param retryAfter how long to wait before trying again, or null
 * @param retryInVain whether trying again is no use although the status lets clients think so
 */
public record ApiError(
    int status,
    String type,
    String code,
    String param,
    String message,
    Duration retryAfter,
    boolean retryInVain) {
  public ApiError {
    Objects.requireNonNull(type);
    Objects.requireNonNull(message);
  }

  public ApiError(int status, String type, String code, String param, String message) {
    this(status, type, code, param, message, null);
  }

  public ApiError(
      int status, String type, String code, String param, String message, Duration retryAfter) {
    this(status, type, code, param, message, retryAfter, false);
  }

  /**
   * {@code {"error":{"message","type","param","code"}}}, all four keys present, as OpenAI's schema
   * ErrorResponse asks.
   */
  public ObjectNode toJson() {
    ObjectNode body = Json.object();
    body.putObject("error")
        .put("message", message)
        .put("type", type)
        .put("param", param)
        .put("code", code);
    return body;
  }

  /**
   * What clients' own retries go by, for an answer that is this failure; waits are rounded up, so
   * that who waits as told is let in.
   */
  public Map<String, String> headers() {
    Map<String, String> headers = new LinkedHashMap<>();
    if (retryAfter != null) {
      headers.put("Retry-After", Long.toString(retryAfter.plusNanos(999_999_999).toSeconds()));
      headers.put("retry-after-ms", Long.toString(retryAfter.plusNanos(999_999).toMillis()));
    }
    if (retryInVain) {
      headers.put("x-should-retry", "false");
    }
    return headers;
  }

  /** This failure as an exception. */
  public ApiException asException() {
    return new ApiException(this);
  }
}
