package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.Caller;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * What models learnt from the server's tools before they called the client's own functions. The
 * client never sees it, so that it cannot send it along with what its functions gave; here it is
 * put back in its place when the same messages come again from the same caller. Kept for an hour in
 * this process; one that has been forgotten means that the model may search again.
 */
public final class ToolMemory {
  private static final Duration LIFE = Duration.ofHours(1);
  private static final long MOST_CHARACTERS = 32L << 20;

  private final Cache<String, ArrayNode> steps =
      Caffeine.newBuilder()
          .expireAfterAccess(LIFE)
          .maximumWeight(MOST_CHARACTERS)
          .weigher((String key, ArrayNode messages) -> Json.text(messages).length())
          .build();

  /**
   * Keeps what the server has added to a chat that ends with calls of the client's functions.
   *
   * @param messages the last assistant message with these calls included
   */
  void keep(ChatCall chat, ArrayNode messages) {
    String firstOfClients = null;
    for (JsonNode message : messages) {
      for (JsonNode call : message.path("tool_calls")) {
        if (firstOfClients == null
            && !chat.turns().tools().answers(call.path("function").path("name").asText(""))) {
          firstOfClients = call.path("id").asText();
        }
      }
    }
    if (firstOfClients != null) {
      ArrayNode asked = (ArrayNode) chat.request().body().path("messages");
      steps.put(new Keys(chat.caller(), asked).of(asked.size(), firstOfClients), messages);
    }
  }

  /** The client's messages with what was added between them earlier, or null when nothing was. */
  ArrayNode recall(Caller caller, JsonNode messages) {
    if (steps.estimatedSize() == 0) {
      return null;
    }
    Keys keys = new Keys(caller, messages);
    ArrayNode recalled = null;
    for (int i = 0; i < messages.size(); i++) {
      JsonNode message = messages.get(i);
      String call = message.path("tool_calls").path(0).path("id").asText("");
      ArrayNode kept = call.isEmpty() ? null : steps.getIfPresent(keys.of(i, call));
      if (kept != null && recalled == null) {
        recalled = Json.array();
        for (int before = 0; before < i; before++) {
          recalled.add(messages.get(before));
        }
      }
      if (kept != null) {
        recalled.addAll(kept);
      } else if (recalled != null) {
        recalled.add(message);
      }
    }
    return recalled;
  }

  /**
   * The keys of places in one conversation: whose it is, all messages before, and the call's id,
   * which alone is not unique with every provider. Asked for from the first place to the last, as
   * every message is read once, however many places there are.
   */
  private static final class Keys {
    private final JsonNode messages;
    private final Sha256 before = new Sha256();
    private int read;

    Keys(Caller caller, JsonNode messages) {
      this.messages = messages;
      before.add(line(Json.array().add(caller.email()).add(caller.keyHash())));
    }

    /**
     * The key of one place.
     *
     * @param place the number of messages before it, not smaller than the last time
     */
    String of(int place, String callId) {
      for (; read < place; read++) {
        before.add(line(messages.get(read)));
      }
      return before.hexWith(line(TextNode.valueOf(callId)));
    }

    /** No line break is in it but the last, so that two lines never read like one. */
    private static byte[] line(JsonNode value) {
      return (Json.text(value) + "\n").getBytes(StandardCharsets.UTF_8);
    }
  }
}
