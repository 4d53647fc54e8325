package dev.llmproxy.error;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The form of an error for a client. The path of the request decides: each API has its own. */
public enum ErrorForm {
  /** OpenAI's error object; for all paths without a form of their own. */
  OPENAI {
    @Override
    public Answer answer(ApiError error, String requestId) {
      return new Answer(error.status(), error.toJson(), error.headers());
    }
  },

  /**
   * OpenAI's error object for the Responses API. What can never succeed is 400, and a failure of a
   * provider is 503 with the code {@code server_is_overloaded}, because Codex repeats a request
   * with another status up to 30 times.
   */
  RESPONSES {
    @Override
    public Answer answer(ApiError error, String requestId) {
      ApiError known = error;
      if (error.status() >= 500) {
        known = error.with(503, "server_is_overloaded").inVain();
      } else if (error.status() == 422 || "model_not_found".equals(error.code())) {
        known = error.with(400, error.code());
      }
      return new Answer(known.status(), known.toJson(), known.headers());
    }
  },

  /**
   * Anthropic's error object, {@code {"type":"error","error":{"type","message"},"request_id"}}.
   *
   * @see <a href="https://docs.anthropic.com/en/api/errors">Anthropic's errors</a>
   */
  MESSAGES {
    @Override
    public Answer answer(ApiError error, String requestId) {
      int status = error.status() == 503 ? OVERLOADED : error.status();
      ObjectNode body = Json.object().put("type", "error");
      body.putObject("error").put("type", typeOf(status)).put("message", messageOf(error));
      return new Answer(status, body.put("request_id", requestId), error.inVain().headers());
    }
  };

  private static final int OVERLOADED = 529;
  private static final Pattern COUNT = Pattern.compile("\\d{1,3}(?:,\\d{3})+|\\d{3,12}");

  /**
   * An error as a whole answer.
   *
   * @param status HTTP status
   * @param body the JSON object
   * @param headers the headers that control the retries of clients
   */
  public record Answer(int status, ObjectNode body, Map<String, String> headers) {
    public Answer {
      headers = new LinkedHashMap<>(headers);
    }
  }

  /** The form for a request's path, which has no query. */
  public static ErrorForm of(String path) {
    if (isAt(path, "/v1/messages") || isAt(path, "/v1/v1/messages")) {
      return MESSAGES;
    }
    return isAt(path, "/v1/responses") ? RESPONSES : OPENAI;
  }

  private static boolean isAt(String path, String root) {
    return path.startsWith(root)
        && (path.length() == root.length() || path.charAt(root.length()) == '/');
  }

  /**
   * The error as a whole answer; its body is also the last event of a stream.
   *
   * @param requestId the id in the header {@code x-request-id}
   */
  public abstract Answer answer(ApiError error, String requestId);

  private static String typeOf(int status) {
    return switch (status) {
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 404 -> "not_found_error";
      case 413 -> "request_too_large";
      case 429 -> "rate_limit_error";
      case 504 -> "timeout_error";
      case OVERLOADED -> "overloaded_error";
      default -> status >= 500 ? "api_error" : "invalid_request_error";
    };
  }

  /** Claude Code shortens its conversation when it reads these words. */
  private static String messageOf(ApiError error) {
    if (!"context_length_exceeded".equals(error.code())) {
      return error.message();
    }
    List<Long> counts = new ArrayList<>();
    for (Matcher count = COUNT.matcher(error.message()); count.find(); ) {
      counts.add(Long.parseLong(count.group().replace(",", "")));
    }
    if (counts.size() < 2) {
      return "prompt is too long: " + error.message();
    }
    long tokens = counts.stream().mapToLong(Long::longValue).max().getAsLong();
    long limit = counts.stream().filter(count -> count < tokens).findFirst().orElse(tokens);
    return "prompt is too long: %d tokens > %d maximum".formatted(tokens, limit);
  }
}
