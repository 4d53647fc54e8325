package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Set;

/**
 * Translates {@code thinking} and {@code output_config}: how much a model thinks, and the schema of
 * its answer. One per request.
 */
final class EffortTranslation {
  private static final int LOW_BUDGET = 4000;
  private static final int MEDIUM_BUDGET = 16_000;
  private static final String EFFORT = "effort";
  private static final String FORMAT = "format";
  private static final String REASONING = "reasoning";
  private static final String NONE = "none";
  private static final Set<String> READ = Set.of(EFFORT, FORMAT);

  private final Asked asked;
  private final JsonNode config;

  EffortTranslation(Asked asked) {
    this.asked = asked;
    config = asked.body().path("output_config");
  }

  /** Writes {@code reasoning_effort} and {@code response_format} of a chat. */
  void write(ObjectNode chat) {
    String effort = effort();
    if (!effort.isEmpty()) {
      if (asked.target().can(REASONING)) {
        chat.put("reasoning_effort", effort);
      } else if (!effort.equals(NONE)) {
        asked.drop(config.has(EFFORT) ? "output_config.effort" : "thinking");
      }
    }
    // The second name is that of the beta.
    JsonNode format =
        config.path(FORMAT).isObject() ? config.path(FORMAT) : asked.body().path("output_format");
    if (format.path("type").asText("").equals("json_schema") && format.path("schema").isObject()) {
      ObjectNode schema = chat.putObject("response_format").put("type", "json_schema");
      schema.putObject("json_schema").put("name", "answer").put("strict", true);
      ((ObjectNode) schema.get("json_schema")).set("schema", format.get("schema"));
    } else if (format.isObject()) {
      asked.drop("output_config.format");
    }
    for (Map.Entry<String, JsonNode> field : config.properties()) {
      if (!READ.contains(field.getKey()) && !field.getValue().isNull()) {
        asked.drop("output_config." + field.getKey());
      }
    }
  }

  /** The effort in OpenAI's words; empty when the request does not say. */
  private String effort() {
    JsonNode thinking = asked.body().path("thinking");
    String type = thinking.path("type").asText("");
    if (type.equals("disabled")) {
      return NONE;
    }
    if (config.path(EFFORT).isTextual()) {
      return config.get(EFFORT).textValue();
    }
    if (!type.equals("enabled")) {
      // What is adaptive is up to the model.
      return "";
    }
    int budget = thinking.path("budget_tokens").asInt(MEDIUM_BUDGET);
    return budget < LOW_BUDGET ? "low" : budget < MEDIUM_BUDGET ? "medium" : "high";
  }
}
