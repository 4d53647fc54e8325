package dev.llmproxy.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
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
import java.util.Arrays;
import java.util.List;

/**
 * Remembers the calls and results of the server's tools in chats that then called the client's own
 * functions. The client never gets these messages, so it cannot send them together with the results
 * of its functions. When the same messages come again from the same caller, the stored messages are
 * inserted at their place. An entry is stored in memory for an hour after its last use, and with
 * Redis also there, for all servers. After that the model may have to call the tools again.
 *
 * <p>Also remembers turns with tool calls in the provider's own form, with thoughts and signatures
 * that OpenAI's format has no place for and that some providers demand in the next turn.
 */
public final class ToolMemory {
  /** How long an entry is remembered after its last use. */
  public static final Duration LIFE = Duration.ofHours(1);

  private static final long MOST_CHARACTERS = 32L << 20;
  private static final Duration ABSENT = Duration.ofMinutes(10);
  private static final int MOST_ABSENT = 100_000;

  private final Cache<String, ArrayNode> steps =
      Caffeine.newBuilder()
          .expireAfterAccess(LIFE)
          .maximumWeight(MOST_CHARACTERS)
          .weigher((String key, ArrayNode messages) -> Json.text(messages).length())
          .build();

  /** Keys that Redis does not have. A key is stored before a client can ask for it. */
  private final Cache<String, Boolean> absent =
      Caffeine.newBuilder().expireAfterWrite(ABSENT).maximumSize(MOST_ABSENT).build();

  private final SealedMemory shared;

  /** A memory of this server alone. */
  public ToolMemory() {
    this(null);
  }

  /**
   * @param shared the memory of all servers; null for none
   */
  public ToolMemory(SealedMemory shared) {
    this.shared = shared;
  }

  /**
   * Stores the messages that the server added to a chat that ends with calls of the client's
   * functions.
   *
   * @param messages the added messages, up to the assistant message with these calls
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
      put(chat.caller(), new Keys(chat.caller(), asked).of(asked.size(), firstOfClients), messages);
    }
  }

  /**
   * Returns the client's messages with the stored messages inserted; null when nothing is stored
   * for them.
   */
  ArrayNode recall(Caller caller, JsonNode messages) {
    if (shared == null && steps.estimatedSize() == 0) {
      return null;
    }
    String[] places = places(caller, messages);
    if (shared != null) {
      fetch(caller, places);
    }
    ArrayNode recalled = null;
    for (int i = 0; i < messages.size(); i++) {
      ArrayNode kept = places[i] == null ? null : steps.getIfPresent(places[i]);
      if (kept != null && recalled == null) {
        recalled = Json.array();
        for (int before = 0; before < i; before++) {
          recalled.add(messages.get(before));
        }
      }
      if (kept != null) {
        recalled.addAll(kept);
      } else if (recalled != null) {
        recalled.add(messages.get(i));
      }
    }
    return recalled;
  }

  /** The keys of the places where stored messages may belong; null for the other messages. */
  private static String[] places(Caller caller, JsonNode messages) {
    Keys keys = new Keys(caller, messages);
    String[] places = new String[messages.size()];
    for (int i = 0; i < places.length; i++) {
      String call = messages.get(i).path("tool_calls").path(0).path("id").asText("");
      places[i] = call.isEmpty() ? null : keys.of(i, call);
    }
    return places;
  }

  private void put(Caller caller, String key, ArrayNode value) {
    steps.put(key, value);
    if (shared != null) {
      shared.keep(caller, key, Json.text(value));
    }
  }

  /** Takes over what another server has stored. */
  private void fetch(Caller caller, String... keys) {
    List<String> unknown =
        Arrays.stream(keys)
            .filter(key -> key != null && !steps.asMap().containsKey(key))
            .filter(key -> absent.getIfPresent(key) == null)
            .toList();
    if (unknown.isEmpty()) {
      return;
    }
    List<String> texts = shared.findAll(caller, unknown);
    for (int i = 0; i < texts.size(); i++) {
      if (texts.get(i) != null) {
        steps.put(unknown.get(i), parsed(texts.get(i)));
      } else if (!shared.down()) {
        absent.put(unknown.get(i), true);
      }
    }
  }

  private static ArrayNode parsed(String json) {
    try {
      return (ArrayNode) Json.parse(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("What was written as JSON is no JSON.", e);
    }
  }

  /**
   * Stores a turn with tool calls in the provider's form. Only the same model gets it back, because
   * thoughts are bound to a model.
   *
   * @param callIds the ids of the turn's calls; without any nothing is stored
   */
  public void keepTurn(ChatCall chat, ArrayNode callIds, ArrayNode turn) {
    if (!callIds.isEmpty()) {
      put(chat.caller(), key(chat, callIds), turn);
    }
  }

  /** The stored turn with these calls, or null. Do not change it. */
  public ArrayNode turn(ChatCall chat, ArrayNode callIds) {
    if (callIds.isEmpty()) {
      return null;
    }
    String key = key(chat, callIds);
    if (shared != null) {
      fetch(chat.caller(), key);
    }
    return steps.getIfPresent(key);
  }

  private static String key(ChatCall chat, ArrayNode callIds) {
    return Sha256.hex(
        Json.text(
            Json.array()
                .add("turn")
                .add(chat.caller().email())
                .add(chat.caller().keyHash())
                .add(chat.target().servedModel())
                .add(callIds)));
  }

  /**
   * Computes the keys of places in one conversation, from the caller, all messages before the
   * place, and the call's id. The id alone is not unique with every provider. The places must come
   * in order, so that each message is hashed only once.
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
     * @param place the number of messages before it, not smaller than in the previous call
     */
    String of(int place, String callId) {
      for (; read < place; read++) {
        before.add(line(messages.get(read)));
      }
      return before.hexWith(line(TextNode.valueOf(callId)));
    }

    /**
     * A line for the hash. It has one line break, at its end, so that two values never hash like
     * one.
     */
    private static byte[] line(JsonNode value) {
      return (Json.text(value) + "\n").getBytes(StandardCharsets.UTF_8);
    }
  }
}
