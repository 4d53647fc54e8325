package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import java.time.Instant;
import java.util.Map;

/** The response object, with the fields of its request that OpenAI repeats in it. */
final class ResponseJson {
  private static final String NULL = "null";

  /** Fields that a response repeats, with their values when the request has none, as JSON. */
  private static final Map<String, String> REPEATED =
      Map.ofEntries(
          Map.entry("instructions", NULL),
          Map.entry("max_output_tokens", NULL),
          Map.entry("max_tool_calls", NULL),
          Map.entry("metadata", "{}"),
          Map.entry("parallel_tool_calls", "true"),
          Map.entry("previous_response_id", NULL),
          Map.entry("prompt_cache_key", NULL),
          Map.entry("safety_identifier", NULL),
          Map.entry("service_tier", "\"default\""),
          Map.entry("temperature", "1"),
          Map.entry("text", "{\"format\":{\"type\":\"text\"}}"),
          Map.entry("tool_choice", "\"auto\""),
          Map.entry("tools", "[]"),
          Map.entry("top_logprobs", "0"),
          Map.entry("top_p", "1"),
          Map.entry("truncation", "\"disabled\""),
          Map.entry("user", NULL));

  private static final ObjectNode DEFAULTS = defaults();

  private final ObjectNode fixed;

  /**
   * @param created when the request arrived
   */
  ResponseJson(AskedResponse asked, Instant created) {
    ObjectNode body = asked.body();
    fixed =
        Json.object()
            .put("id", asked.id())
            .put("object", "response")
            .put("created_at", created.getEpochSecond())
            .put("model", asked.model())
            .put("background", false)
            .put("store", asked.keeps())
            .put("presence_penalty", 0)
            .put("frequency_penalty", 0);
    DEFAULTS
        .properties()
        .forEach(field -> {
          JsonNode value = body.path(field.getKey());
          boolean given = !value.isMissingNode() && !value.isNull();
          fixed.set(field.getKey(), given ? value : field.getValue());
        });
    if (body.path("text").isObject() && !body.path("text").hasNonNull("format")) {
      ObjectNode text = body.get("text").deepCopy();
      fixed.set("text", text.set("format", DEFAULTS.at("/text/format")));
    }
    ObjectNode reasoning = fixed.putObject("reasoning").putNull("effort").putNull("summary");
    if (body.path("reasoning") instanceof ObjectNode given) {
      reasoning.setAll(given);
    }
  }

  private static ObjectNode defaults() {
    ObjectNode defaults = Json.object();
    REPEATED.forEach((name, json) -> {
      try {
        defaults.set(name, Json.parse(json));
      } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
        throw new IllegalStateException(name, e);
      }
    });
    return defaults;
  }

  /** The response before its first item. */
  ObjectNode begun() {
    return of(ResponseOutput.IN_PROGRESS, Json.array(), null);
  }

  /**
   * The response with its items.
   *
   * @param usage as in the chat format, or null
   */
  ObjectNode of(String status, JsonNode output, ObjectNode usage) {
    ObjectNode response = Json.object();
    response.setAll(fixed);
    response
        .put("status", status)
        .putNull("completed_at")
        .putNull("error")
        .putNull("incomplete_details");
    response.set("output", output);
    response.set("usage", usage == null ? null : usage(usage));
    return response;
  }

  /** The response that has failed. */
  ObjectNode failed(JsonNode output, ApiError error) {
    ObjectNode response = of("failed", output, null);
    response.putObject("error").put("code", error.codeOrType()).put("message", error.message());
    return response;
  }

  /** Adds an error to the event that ends a stream. Returns the event. */
  static ObjectNode addError(ObjectNode event, ApiError error) {
    event
        .putObject("error")
        .put("type", error.type())
        .put("code", error.codeOrType())
        .put("message", error.message())
        .put("param", error.param());
    return event;
  }

  private static ObjectNode usage(ObjectNode chat) {
    long input = chat.path("prompt_tokens").asLong();
    long output = chat.path("completion_tokens").asLong();
    ObjectNode usage = Json.object().put("input_tokens", input);
    JsonNode read = chat.path("prompt_tokens_details");
    usage
        .putObject("input_tokens_details")
        .put("cached_tokens", read.path("cached_tokens").asLong(0))
        .put("cache_write_tokens", read.path("cache_write_tokens").asLong(0));
    usage.put("output_tokens", output);
    usage
        .putObject("output_tokens_details")
        .put(
            "reasoning_tokens",
            chat.path("completion_tokens_details").path("reasoning_tokens").asLong(0));
    return usage.put("total_tokens", chat.path("total_tokens").asLong(input + output));
  }
}
