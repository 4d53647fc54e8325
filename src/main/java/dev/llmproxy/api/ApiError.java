package dev.llmproxy.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import java.time.Duration;
import java.util.Objects;

/**
 * A failure as the client is told of it: OpenAI's error object with its HTTP status.
 *
 * @param status HTTP status, 400 to 599
 * @param type OpenAI's category, e.g. {@code invalid_request_error}
 * @param code machine-readable reason, or null
 * @param param path of the request field at fault, or null
 * @param message what is wrong and what to do about it; never holds a key or a provider's secret
 * @param retryAfter when to try again, or null
 */
public record ApiError(
    int status, String type, String code, String param, String message, Duration retryAfter) {
  public ApiError {
    Objects.requireNonNull(type);
    Objects.requireNonNull(message);
  }

  public ApiError(int status, String type, String code, String param, String message) {
    this(status, type, code, param, message, null);
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

  /** This failure as an exception. */
  public ApiException asException() {
    return new ApiException(this);
  }
}
