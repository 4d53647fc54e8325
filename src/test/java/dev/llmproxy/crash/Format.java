package dev.llmproxy.crash;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;

/** A format in which clients ask the gateway, and how its streams look. */
enum Format {
  CHAT("/v1/chat/completions", "[DONE]", "/choices/0/delta/content") {
    @Override
    ObjectNode put(ObjectNode body, String message) {
      body.putArray("messages").addObject().put("role", "user").put("content", message);
      return body;
    }
  },
  RESPONSES("/v1/responses", "response.completed", "/delta") {
    @Override
    ObjectNode put(ObjectNode body, String message) {
      return body.put("input", message);
    }

    @Override
    String text(JsonNode data) {
      return data.path("type").asText().equals("response.output_text.delta")
          ? super.text(data)
          : "";
    }
  },
  MESSAGES("/v1/messages", "message_stop", "/delta/text") {
    @Override
    ObjectNode put(ObjectNode body, String message) {
      body.put("max_tokens", 1000);
      return CHAT.put(body, message);
    }
  },
  COMPLETIONS("/v1/completions", "[DONE]", "/choices/0/text") {
    @Override
    ObjectNode put(ObjectNode body, String message) {
      return body.put("prompt", message).put("max_tokens", 1000);
    }
  };

  private final String path;
  private final String end;
  private final String text;

  Format(String path, String end, String text) {
    this.path = path;
    this.end = end;
    this.text = text;
  }

  String path() {
    return path;
  }

  /** The body of a request. */
  ObjectNode request(String model, boolean stream, String message) {
    return put(Json.object().put("model", model).put("stream", stream), message);
  }

  abstract ObjectNode put(ObjectNode body, String message);

  /** Whether this data of an event is the end of a whole answer. */
  boolean ends(String data) {
    return end.startsWith("[") ? data.equals(end) : data.contains("\"type\":\"" + end + "\"");
  }

  /** The text of an event; empty when it has none. */
  String text(JsonNode data) {
    return data.at(text).asText("");
  }
}
