package dev.llmproxy.error;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * An error as clients get it: OpenAI's error object with its HTTP status.
 *
 * @param status HTTP status, 400 to 599
 * @param type OpenAI's category, e.g. {@code invalid_request_error}
 * @param code machine-readable reason, or null
 * @param param path of the request field at fault, or null
 * @param message what is wrong and how to mend it; contains no key and no secret of a provider
 * @param retryAfter how long to wait before a retry, or null
 * @param retryInVain whether a retry cannot succeed although the status suggests one
 * @param upstream the provider's error, for the log only and never sent to a client; null when no
 *     provider failed
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

  /** Shortens long texts: a message may quote a client that has sent megabytes. */
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

  /** The code, or the type of an error without one. */
  public String codeOrType() {
    return code == null ? type : code;
  }

  /**
   * Returns this error with the advice not to try again, if it is the provider's failure and says
   * no time after which a retry may help.
   */
  public ApiError inVain() {
    return status >= 500 && retryAfter == null
        ? new ApiError(status, type, code, param, message, null, true, upstream)
        : this;
  }

  /** Returns this error with another status and code. */
  ApiError with(int otherStatus, String otherCode) {
    return new ApiError(
        otherStatus, type, otherCode, param, message, retryAfter, retryInVain, upstream);
  }

  /** Returns this error with the provider's error. */
  public ApiError because(Upstream upstream) {
    return new ApiError(status, type, code, param, message, retryAfter, retryInVain, upstream);
  }

  /**
   * {@code {"error":{"message","type","param","code"}}} with all four keys, as OpenAI's schema
   * ErrorResponse requires.
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
   * The response headers that control the retries of clients. Waits are rounded up, so that a
   * client that waits as told succeeds.
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

  /** This error as an exception. */
  public ApiException asException() {
    return new ApiException(this);
  }

  /**
   * The error of a provider, for the log.
   *
   * @param status the provider's HTTP status; 0 without one: the provider could not be reached, or
   *     its answer had begun
   * @param reason the provider's message or the connection's failure; null without one. At most
   *     2,000 characters (an escape sequence is not cut) on one line, without control characters
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
