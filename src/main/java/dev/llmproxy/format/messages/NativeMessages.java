package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ReasoningSeal;

/**
 * The client's request for a provider that speaks Anthropic's format. It is the request as it was
 * sent, without the thoughts that Anthropic would refuse: those of other models, which have this
 * server's signature or none.
 */
final class NativeMessages {
  private NativeMessages() {}

  /** The request, which may be the same object. */
  static ObjectNode of(ObjectNode body) {
    ArrayNode messages = Json.array();
    boolean changed = false;
    for (JsonNode message : body.path("messages")) {
      ArrayNode content = Json.array();
      for (JsonNode block : message.path("content")) {
        if (!isForeign(block)) {
          content.add(block);
        }
      }
      if (content.size() == message.path("content").size() || content.isEmpty()) {
        messages.add(message);
      } else {
        changed = true;
        messages.add(((ObjectNode) message).deepCopy().set("content", content));
      }
    }
    return changed ? Json.object().<ObjectNode>setAll(body).set("messages", messages) : body;
  }

  private static boolean isForeign(JsonNode block) {
    if (!block.path("type").asText("").equals("thinking")) {
      return false;
    }
    String signature = block.path("signature").asText("");
    return signature.isEmpty() || ReasoningSeal.isSealed(signature);
  }
}
