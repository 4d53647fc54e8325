package dev.llmproxy.format.responses;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import java.time.Instant;

/** The response object, with the fields of its request that OpenAI repeats in it. */
final class ResponseJson {
  /** Fields that a response repeats, with their values when the request has none. */
  private static final String REPEATED =
      """
      {"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"metadata":{},"parallel_tool_calls":true,
       "previous_response_id":null,"prompt_cache_key":null,"safety_identifier":null,"service_tier":"default","temperature":1,
       "text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1,"truncation":"disabled",
       "user":null}
      """;

  private static final JsonNode DEFAULTS = defaults();

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

  private static JsonNode defaults() {
    try {
      return Json.parse(REPEATED);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("The default values are no JSON.", e);
    }
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
