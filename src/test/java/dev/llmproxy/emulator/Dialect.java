package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Deviations of providers from OpenAI's format. */
enum Dialect {
  GROQ(Directive.GROQ) {
    @Override
    void restyle(List<ObjectNode> objects, ObjectNode usage) {
      objects.removeIf(object -> object.path("choices").isEmpty());
      for (ObjectNode object : objects) {
        object.put("service_tier", "on_demand").remove("usage");
        if (object.path("choices").path(0).hasNonNull("finish_reason")) {
          object.set("usage", usage);
          object.putObject("x_groq").put("id", "req_scripted").set("usage", usage);
        }
      }
    }
  },

  BARE(Directive.BARE) {
    @Override
    void restyle(List<ObjectNode> objects, ObjectNode usage) {
      objects.removeIf(object -> object.path("choices").isEmpty());
      for (ObjectNode object : objects) {
        object.remove(List.of("id", "object", "created", "model", "system_fingerprint", "usage"));
        for (JsonNode choice : object.path("choices")) {
          ((ObjectNode) choice).remove(List.of("index", "logprobs"));
          said(choice).remove(List.of("role", "refusal"));
        }
      }
    }
  },

  FIELDS(Directive.FIELDS) {
    @Override
    void restyle(List<ObjectNode> objects, ObjectNode usage) {
      for (ObjectNode object : objects) {
        object.put("obfuscation", "x7Qp").putObject("x_vendor").put("region", "eu-1");
        for (JsonNode choice : object.path("choices")) {
          ((ObjectNode) choice).putObject("content_filter_results").put("hate", false);
          said(choice).put("vendor_note", "seen").putArray("annotations");
        }
        if (object.path("usage") instanceof ObjectNode reported) {
          reported.put("queue_time", 0.25);
        }
      }
    }
  },

  LOGPROBS(Directive.LOGPROBS) {
    @Override
    void restyle(List<ObjectNode> objects, ObjectNode usage) {
      for (int i = 1; i < objects.size(); i++) {
        JsonNode before = objects.get(i - 1).path("choices").path(0);
        JsonNode end = objects.get(i).path("choices").path(0);
        if (end.hasNonNull("finish_reason") && said(before).hasNonNull("content")) {
          ObjectNode together = (ObjectNode) before;
          together.set("finish_reason", end.get("finish_reason"));
          together
              .putObject("logprobs")
              .putArray("content")
              .addObject()
              .put("token", said(before).path("content").asText())
              .put("logprob", -0.5);
          objects.remove(i);
        }
      }
    }
  };

  final Directive directive;

  Dialect(Directive directive) {
    this.directive = directive;
  }

  /** Changes the chunks of a stream, or the completion, in place. */
  abstract void restyle(List<ObjectNode> objects, ObjectNode usage);

  private static ObjectNode said(JsonNode choice) {
    return (ObjectNode) (choice.has("delta") ? choice.path("delta") : choice.path("message"));
  }
}
