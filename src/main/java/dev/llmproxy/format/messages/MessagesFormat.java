package dev.llmproxy.format.messages;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatEvent;

/**
 * What a request in Anthropic's format remembers for its answer. One per request; not thread-safe.
 */
public final class MessagesFormat {
  private static final String OMITTED = "omitted";

  private final ObjectNode original;
  private MessageAnswer answer;
  private WholeBlocks blocks;
  private String passed;

  /**
   * @param original the client's request; never changed
   */
  MessagesFormat(ObjectNode original) {
    this.original = original;
  }

  /** The model's name as the client asked for it. */
  String model() {
    return original.get("model").textValue();
  }

  /** Whether the client gets the model's reasoning as blocks {@code thinking}. */
  boolean showsThinking() {
    return switch (original.path("thinking").path("type").asText("")) {
      case "enabled", "adaptive" -> true;
      default -> false;
    };
  }

  /** Whether these blocks have a signature only. */
  boolean omitsThinking() {
    return original.path("thinking").path("display").asText("").equals(OMITTED);
  }

  /** Whether the client has asked to stop at this text. */
  boolean stopsAt(String text) {
    return original
        .path("stop_sequences")
        .valueStream()
        .anyMatch(stop -> stop.asText("").equals(text));
  }

  /** The answer under way; null before its first event. */
  MessageAnswer answer() {
    return answer;
  }

  /** The blocks of an answer without streaming; null for a stream. */
  WholeBlocks blocks() {
    return blocks;
  }

  /**
   * The provider's event or answer that was passed on last, because the provider speaks the
   * client's format; null when the answer is translated.
   */
  String passed() {
    return passed;
  }

  /**
   * Notes an event that is passed on, and returns it for the client: with the model that the client
   * has asked for.
   */
  String pass(ChatEvent.Passed event) {
    passed = event.json();
    if (event.event() == null || event.event().equals("message_start")) {
      try {
        JsonNode json = Json.parse(passed);
        JsonNode message = event.event() == null ? json : json.path("message");
        if (message instanceof ObjectNode object) {
          object.put("model", model());
          passed = Json.text(json);
        }
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("The event was read before.", e);
      }
    }
    return passed;
  }

  /** Begins the answer. */
  void begin(MessageAnswer begun, WholeBlocks collected) {
    answer = begun;
    blocks = collected;
  }
}
