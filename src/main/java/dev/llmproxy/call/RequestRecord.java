package dev.llmproxy.call;

import dev.llmproxy.base.Json;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A request that has ended, for the log and the route {@code hook-settled}. Contains no text of the
 * conversation.
 *
 * @param requestId value of the header {@code x-request-id}
 * @param started when the request arrived
 * @param user the caller's e-mail address
 * @param keyName the name of the key; empty for a person who has signed in
 * @param tier the caller's tier
 * @param type {@code chat} or {@code embedding}
 * @param model the model that answered, or was asked last: {@code provider/model}
 * @param status how it ended
 * @param httpStatus status that the client got; 499 when it left before the answer began
 * @param code the error's code, or its type when it has none; null when there was no error
 * @param providerStatus HTTP status of the provider's error, or null
 * @param reason the provider's error message, or null
 * @param inputTokens prompt tokens
 * @param outputTokens completion tokens
 * @param turns calls to the provider
 * @param toolCalls calls of tools that the server ran
 * @param cached whether the answer came from the response cache
 * @param cost in US dollars, or null when the model's price is unknown
 * @param milliseconds from admission to the end
 * @param tried the attempts that failed, for people; empty when none has
 * @param guards what guards have decided, e.g. {@code patterns:redacted}; empty when they have
 *     changed nothing
 */
public record RequestRecord(
    String requestId,
    Instant started,
    String user,
    String keyName,
    String tier,
    String type,
    String model,
    Status status,
    int httpStatus,
    String code,
    Integer providerStatus,
    String reason,
    long inputTokens,
    long outputTokens,
    int turns,
    int toolCalls,
    boolean cached,
    BigDecimal cost,
    long milliseconds,
    String tried,
    String guards) {

  /** The fields by their names in the log and the hooks; without null values. */
  public Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("request_id", requestId);
    fields.put("started", started.toString());
    fields.put("user", user);
    fields.put("key_name", keyName);
    fields.put("tier", tier);
    fields.put("type", type);
    fields.put("model", model);
    fields.put("status", status.name());
    fields.put("http_status", httpStatus);
    if (code != null) {
      fields.put("error_code", code);
    }
    if (providerStatus != null) {
      fields.put("provider_status", providerStatus);
    }
    if (reason != null) {
      fields.put("provider_reason", reason);
    }
    fields.put("input_tokens", inputTokens);
    fields.put("output_tokens", outputTokens);
    fields.put("turns", turns);
    fields.put("tool_calls", toolCalls);
    if (cached) {
      fields.put("cached", true);
    }
    if (cost != null) {
      fields.put("cost_dollars", cost);
    }
    fields.put("duration_ms", milliseconds);
    if (!tried.isEmpty()) {
      fields.put("tried", tried);
    }
    if (!guards.isEmpty()) {
      fields.put("guards", guards);
    }
    return fields;
  }

  /** The {@link #fields} as a JSON object. */
  public String json() {
    return Json.textOf(fields());
  }

  /** The {@link #text} as a JSON string, with its quotes. */
  public String quotedText() {
    return Json.text(Json.tree(text()));
  }

  /** One line for people. */
  public String text() {
    StringBuilder text =
        new StringBuilder(160)
            .append(requestId)
            .append(' ')
            .append(user)
            .append(' ')
            .append(model)
            .append(' ')
            .append(status)
            .append(' ')
            .append(httpStatus)
            .append(' ')
            .append(inputTokens)
            .append('+')
            .append(outputTokens)
            .append(" tokens ")
            .append(milliseconds)
            .append(" ms");
    if (cached) {
      text.append(" cached");
    }
    if (turns > 1 || toolCalls > 0) {
      text.append(" turns ").append(turns).append(" tool calls ").append(toolCalls);
    }
    if (!tried.isEmpty()) {
      text.append(" tried ").append(tried);
    }
    if (!guards.isEmpty()) {
      text.append(" guards ").append(guards);
    }
    if (code != null) {
      text.append(' ').append(code);
    }
    if (providerStatus != null) {
      text.append(" provider ").append(providerStatus);
    }
    if (reason != null) {
      text.append(": ").append(reason);
    }
    return text.toString();
  }
}
