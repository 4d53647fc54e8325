package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Requests and answers of {@code POST /v1/completions}, made from those of chats. */
final class TextForm {
  private static final ObjectMapper JSON = new ObjectMapper();

  private TextForm() {}

  /** The request as a chat: a user message for each prompt, with the suffix at the end of each. */
  static RecordedRequest asChat(RecordedRequest request) {
    ObjectNode body = request.body().deepCopy();
    JsonNode prompt = body.remove("prompt");
    String suffix = body.path("suffix").asText("");
    ArrayNode messages = body.putArray("messages");
    for (JsonNode each : prompt.isArray() ? prompt : JSON.createArrayNode().add(prompt)) {
      String text = suffix.isEmpty() ? each.asText() : each.asText() + " … " + suffix;
      messages.addObject().put("role", "user").put("content", text);
    }
    body.put("n", messages.size() * body.path("n").asInt(1));
    return new RecordedRequest(request.method(), request.path(), request.headers(), body);
  }

  /** A chunk or a whole completion as a text completion. */
  static ObjectNode of(ObjectNode chat) {
    chat.put("object", "text_completion");
    for (JsonNode each : chat.path("choices")) {
      ObjectNode choice = (ObjectNode) each;
      JsonNode delta = choice.remove("delta");
      JsonNode message = choice.remove("message");
      choice.put("text", (delta == null ? message : delta).path("content").asText(""));
    }
    return chat;
  }
}
