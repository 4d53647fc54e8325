package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.time.Duration;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Maps errors of providers to errors for the client. */
public final class UpstreamErrors {
  private static final Logger LOG = LoggerFactory.getLogger(UpstreamErrors.class);

  /** Anthropic's status for an overloaded service. */
  private static final int OVERLOADED = 529;

  private static final int MOST_MESSAGE_CHARACTERS = 2000;
  private static final String MESSAGES = "messages";

  /** litellm recognizes such an error by these words, and not by the code. */
  private static final String MAXIMUM_CONTEXT_LENGTH = "maximum context length";

  private static final Duration DEFAULT_RETRY_AFTER = Duration.ofSeconds(5);

  private UpstreamErrors() {}

  /**
   * Maps an error answer. Errors about the request keep the provider's status and message. When the
   * provider rejects this server's key, the client gets a 502, because a 401 would mean that the
   * client's own key is wrong. When this server's account has no credit, the client gets a 429 that
   * tells SDKs not to retry.
   */
  public static ApiError of(Provider from, Refusal refusal) {
    RefusalWords words = RefusalWords.of(refusal.body());
    ApiError.Upstream reason =
        new ApiError.Upstream(refusal.status(), from.masked(reason(refusal, words)));
    return of(from, refusal, words, shown(from, words), reason).because(reason);
  }

  /** Maps an error object inside a stream, with or without the chunk around it. */
  public static ApiError inStream(Provider from, JsonNode error) {
    RefusalWords words = RefusalWords.of(error);
    String message = shown(from, words);
    ApiError.Upstream reason =
        new ApiError.Upstream(
            words.status(),
            from.masked(words.message() == null ? words.instead() : words.message()));
    ApiError failure;
    if ((words.status() < 500 || words.status() == 504 || words.status() == OVERLOADED)
        && (words.status() > 0 || words.outOfMoney() || words.contextLength())) {
      Refusal refusal = new Refusal(words.status(), null, null, "", MESSAGES);
      failure = of(from, refusal, words, message, reason);
    } else {
      failure =
          OpenAiErrors.upstream(
              "The provider `%s` failed%s"
                  .formatted(
                      from.name(),
                      message == null ? " in the middle of its answer." : ": " + message));
    }
    return failure.because(reason);
  }

  private static ApiError of(
      Provider from,
      Refusal refusal,
      RefusalWords words,
      String message,
      ApiError.Upstream reason) {
    int status = refusal.status();
    if (status / 100 == 3) {
      return OpenAiErrors.upstream(
          "The provider `%s` answers with a redirect (%d), which is not followed; its administrator has to check %s."
              .formatted(from.name(), status, from.setting("BASE_URL")));
    }
    if (status == 402 || (status < 500 && words.outOfMoney())) {
      LOG.warn(
          "The provider `{}` says that this server's account there is used up: {}",
          from.name(),
          reason.reason() == null ? "status " + status : reason.reason());
      return outOfMoney(from, refusal, message);
    }
    if (status == 400 && words.aboutKey()) {
      return OpenAiErrors.upstreamAuthentication(from.name());
    }
    if (status != 429 && words.contextLength()) {
      return contextLength(refusal, words, message);
    }
    return switch (status) {
      case 404 -> refused(from, status, words, notFound(from, message));
      case 400, 413, 422 -> refused(from, status, words, message);
      case 401, 403 -> OpenAiErrors.upstreamAuthentication(from.name());
      case 408, 504 ->
          OpenAiErrors.upstreamTimeout(
              "The provider `%s` did not answer in time%s"
                  .formatted(from.name(), message == null ? "." : ": " + message));
      case 429 -> tooManyRequests(from, refusal, words, message);
      case OVERLOADED ->
          OpenAiErrors.unavailable(
              "The provider `%s` is overloaded%s"
                  .formatted(from.name(), message == null ? "." : ": " + message));
      default ->
          OpenAiErrors.upstream(
              "The provider `%s` failed with status %d%s"
                  .formatted(from.name(), status, message == null ? "." : ": " + message));
    };
  }

  private static ApiError refused(Provider from, int status, RefusalWords words, String message) {
    return new ApiError(
        status,
        "invalid_request_error",
        words.textCode(),
        words.param(),
        message != null
            ? message
            : "The provider `%s` refused the request.".formatted(from.name()));
  }

  /**
   * The message for a 404. A server without the model names it; a server without the path does not.
   */
  private static String notFound(Provider from, String message) {
    String words = message == null ? "" : message.toLowerCase(Locale.ROOT);
    return words.isEmpty() || words.matches("(404 )?(page )?not found\\.?")
        ? "The provider `%s` has nothing at the address that this server asks (404); its administrator has to check %s."
            .formatted(from.name(), from.setting("BASE_URL"))
        : message;
  }

  private static ApiError contextLength(Refusal refusal, RefusalWords words, String message) {
    String all = message == null ? "The request is too long." : message;
    if (!all.toLowerCase(Locale.ROOT).contains(MAXIMUM_CONTEXT_LENGTH)) {
      all += " (It is above the model's " + MAXIMUM_CONTEXT_LENGTH + ".)";
    }
    return new ApiError(
        400,
        "invalid_request_error",
        "context_length_exceeded",
        words.param() == null ? refusal.input() : words.param(),
        all);
  }

  /** The error for an account without credit. A retry does not help. */
  private static ApiError outOfMoney(Provider from, Refusal refusal, String message) {
    return new ApiError(
        429,
        "insufficient_quota",
        "insufficient_quota",
        null,
        message != null
            ? message
            : "This server's account with the provider `%s` is used up; its administrator has to top it up."
                .formatted(from.name()),
        refusal.status() == 429 && refusal.retryAfter() != null
            ? seconds(refusal.retryAfter())
            : null,
        true);
  }

  /** The error for the provider's rate limit. A retry may help. */
  private static ApiError tooManyRequests(
      Provider from, Refusal refusal, RefusalWords words, String message) {
    return new ApiError(
        429,
        words.type() == null ? "requests" : words.type(),
        words.textCode() == null ? "rate_limit_exceeded" : words.textCode(),
        null,
        message != null
            ? message
            : "The provider `%s` is over its rate limit.".formatted(from.name()),
        seconds(refusal.retryAfter()));
  }

  private static String reason(Refusal refusal, RefusalWords words) {
    if (refusal.status() / 100 == 3) {
      String location = refusal.location();
      // A query may contain secrets.
      return location == null ? "redirect" : "redirect to " + location.replaceFirst("\\?.*", "?…");
    }
    return words.message() == null ? words.instead() : words.message();
  }

  /**
   * Whether an {@code error} field contains an error. Some providers send one in every chunk that
   * is null, false, empty, or an object without message and code.
   */
  public static boolean says(JsonNode error) {
    if (error.isObject()) {
      return saysText(error.path("message"))
          || saysText(error.path("msg"))
          || saysText(error.path("detail"))
          || saysText(error.path("code"));
    }
    return error.isArray() ? !error.isEmpty() && says(error.get(0)) : saysText(error);
  }

  private static boolean saysText(JsonNode value) {
    return switch (value.getNodeType()) {
      case STRING -> !value.textValue().isBlank();
      case NUMBER -> value.asDouble() != 0;
      case BOOLEAN -> value.booleanValue();
      case ARRAY, OBJECT -> !value.isEmpty();
      default -> false;
    };
  }

  private static String shown(Provider from, RefusalWords words) {
    String message = from.masked(words.message());
    return message == null ? null : ShownText.cut(message, MOST_MESSAGE_CHARACTERS);
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
