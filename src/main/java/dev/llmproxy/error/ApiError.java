package dev.llmproxy.error;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
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
 * @param upstream what the provider said, for the log alone and never sent to a client; null when
 *     no provider has failed
 */
public record ApiError(
    int status,
    String type,
    String code,
    String param,
    String message,
    Duration retryAfter,
    boolean retryInVain,
    Upstream upstream) {
  private static final int MOST_MESSAGE_CHARACTERS = 4000;
  private static final int MOST_PARAM_CHARACTERS = 300;

  /** Cuts what is too long: a message may quote the client, who may have sent megabytes. */
  public ApiError {
    Objects.requireNonNull(type);
    message = ShownText.cut(Objects.requireNonNull(message), MOST_MESSAGE_CHARACTERS);
    param = param == null ? null : ShownText.cut(param, MOST_PARAM_CHARACTERS);
  }

  public ApiError(int status, String type, String code, String param, String message) {
    this(status, type, code, param, message, null);
  }

  public ApiError(
      int status, String type, String code, String param, String message, Duration retryAfter) {
    this(status, type, code, param, message, retryAfter, false);
  }

  public ApiError(
      int status,
      String type,
      String code,
      String param,
      String message,
      Duration retryAfter,
      boolean retryInVain) {
    this(status, type, code, param, message, retryAfter, retryInVain, null);
  }

  /** This failure with what the provider said of it. */
  public ApiError because(Upstream upstream) {
    return new ApiError(status, type, code, param, message, retryAfter, retryInVain, upstream);
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

  /**
   * What a provider said when it failed.
   *
   * @param status its HTTP status, or 0 when it has given none: it could not be reached, or its
   *     answer had begun
   * @param reason its own words, or what became of the connection; null when there are none. At
   *     most 2,000 characters (an escaped sign is whole) on one line, without control characters
   *     and without the provider's key
   */
  public record Upstream(int status, String reason) {
    private static final int MOST_REASON_CHARACTERS = 2000;

    public Upstream {
      reason =
          reason == null || reason.isBlank()
              ? null
              : ShownText.oneLine(reason.strip(), MOST_REASON_CHARACTERS);
    }
  }
}
