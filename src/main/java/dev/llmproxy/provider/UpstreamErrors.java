package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.llmproxy.Json;
import dev.llmproxy.api.ApiError;
import dev.llmproxy.api.OpenAiErrors;
import java.time.Duration;
import java.util.regex.Pattern;

/** What a client is told when a provider answers with an error. */
final class UpstreamErrors {
  private static final int MOST_MESSAGE_CHARACTERS = 2000;
  private static final String INSUFFICIENT_QUOTA = "insufficient_quota";

  /** How vLLM, llama.cpp and others word it, who have no code for it. */
  private static final Pattern CONTEXT_LENGTH =
      Pattern.compile("(?i)maximum context length|context window|exceeds? the available context");

  private static final Duration DEFAULT_RETRY_AFTER = Duration.ofSeconds(5);

  private UpstreamErrors() {}

  /**
   * Errors about the request itself keep the provider's status and words; those about this server's
   * standing with the provider become a 502, because a 401 would tell the client that its own key
   * is wrong.
   *
   * @param retryAfter the provider's header of that name, or null
   * @param body the start of the provider's answer, of any kind
   */
  static ApiError of(Provider from, int status, String retryAfter, byte[] body) {
    JsonNode error = errorObject(body);
    String message = message(from, error);
    return of(from, status, retryAfter, error, message)
        .because(new ApiError.Upstream(status, message));
  }

  private static ApiError of(
      Provider from, int status, String retryAfter, JsonNode error, String message) {
    String provider = from.name();
    if (status == 400 && isAboutKey(error)) {
      return OpenAiErrors.upstreamAuthentication(provider);
    }
    return switch (status) {
      case 400, 404, 413, 422 -> refused(from, status, error, message);
      case 401, 403 -> OpenAiErrors.upstreamAuthentication(provider);
      case 408, 504 ->
          OpenAiErrors.upstreamTimeout(
              "The provider `%s` did not answer in time.".formatted(provider));
      case 429 -> tooManyRequests(from, retryAfter, error);
      default ->
          OpenAiErrors.upstream(
              "The provider `%s` failed with status %d%s"
                  .formatted(provider, status, message == null ? "." : ": " + message));
    };
  }

  private static ApiError refused(Provider from, int status, JsonNode error, String message) {
    String code = text(error, "code");
    String param = text(error, "param");
    if (code == null && message != null && CONTEXT_LENGTH.matcher(message).find()) {
      code = "context_length_exceeded";
      param = param == null ? "messages" : param;
    }
    return new ApiError(
        status,
        "invalid_request_error",
        code,
        param,
        message != null
            ? message
            : "The provider `%s` refused the request.".formatted(from.name()));
  }

  /**
   * Google answers a wrong key with 400, <a
   * href="https://cloud.google.com/apis/design/errors">explained</a> in details.
   */
  private static boolean isAboutKey(JsonNode error) {
    return error
        .path("details")
        .valueStream()
        .anyMatch(detail -> detail.path("reason").asText("").equals("API_KEY_INVALID"));
  }

  /** The provider's rate limit, which passes, or a budget that is used up, which does not. */
  private static ApiError tooManyRequests(Provider from, String retryAfter, JsonNode error) {
    String type = error.path("type").asText("requests");
    String code =
        error.path("code").isTextual() ? error.path("code").textValue() : "rate_limit_exceeded";
    String message = message(from, error);
    boolean usedUp = type.equals(INSUFFICIENT_QUOTA) || code.equals(INSUFFICIENT_QUOTA);
    return new ApiError(
        429,
        type,
        code,
        null,
        message != null
            ? message
            : "The provider `%s` is over its rate limit.".formatted(from.name()),
        usedUp && retryAfter == null ? null : seconds(retryAfter),
        usedUp);
  }

  /** An error object inside a stream. */
  static ApiError inStream(Provider from, JsonNode error) {
    String message = message(from, error);
    return OpenAiErrors.upstream(
            "The provider `%s` failed%s"
                .formatted(
                    from.name(),
                    message == null ? " in the middle of its answer." : ": " + message))
        .because(new ApiError.Upstream(0, message));
  }

  private static JsonNode errorObject(byte[] body) {
    try {
      JsonNode json = Json.parse(body);
      // Gemini's compatible endpoint wraps the object in a list.
      return (json.isArray() ? json.path(0) : json).path("error");
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  private static String message(Provider from, JsonNode error) {
    String message = error.isTextual() ? error.textValue() : text(error, "message");
    // A page that some proxy on the way put into the object tells a client nothing.
    if (message == null || message.isBlank() || message.stripLeading().startsWith("<")) {
      return null;
    }
    if (from.apiKey() != null) {
      message = message.replace(from.apiKey(), "…");
    }
    return message.length() <= MOST_MESSAGE_CHARACTERS
        ? message
        : message.substring(0, MOST_MESSAGE_CHARACTERS) + "…";
  }

  /** OpenAI's codes and messages are text; a number, which some send, only repeats the status. */
  private static String text(JsonNode error, String name) {
    return error.path(name).textValue();
  }

  private static Duration seconds(String retryAfter) {
    try {
      int seconds = retryAfter == null ? -1 : Integer.parseInt(retryAfter.strip());
      return seconds < 0 ? DEFAULT_RETRY_AFTER : Duration.ofSeconds(seconds);
    } catch (NumberFormatException e) {
      // The header's other form is a date; a short wait serves as well.
      return DEFAULT_RETRY_AFTER;
    }
  }
}
