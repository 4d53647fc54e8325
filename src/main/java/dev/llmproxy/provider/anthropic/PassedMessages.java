package dev.llmproxy.provider.anthropic;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.StreamTranslator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Passes the events of an answer on to a client that speaks Anthropic's format too, each before the
 * chat events that say the same. Only the model's name changes. An error is not passed on: the sink
 * writes it. One per turn; not thread-safe.
 */
final class PassedMessages implements StreamTranslator {
  private static final String START = "message_start";
  private static final String MODEL = "model";

  private final MessagesStream messages;
  private final String model;

  /**
   * @param model the model as the client has asked for it
   */
  PassedMessages(MessagesStream messages, String model) {
    this.messages = messages;
    this.model = model;
  }

  @Override
  public List<ChatEvent> translate(SseEvent event) {
    if (messages.over()) {
      return List.of();
    }
    List<ChatEvent> said = messages.translate(event);
    ChatEvent passed = isFailure(said) ? null : passed(event);
    return passed == null ? said : join(passed, said);
  }

  @Override
  public List<ChatEvent> translate(JsonNode json) {
    List<ChatEvent> said = messages.translate(json);
    return isFailure(said) || !(json instanceof ObjectNode message)
        ? said
        : join(new ChatEvent.Passed(null, Json.text(message.deepCopy().put(MODEL, model))), said);
  }

  /** The event for the client; null when it cannot be read. */
  private ChatEvent passed(SseEvent event) {
    String name = event.name();
    String data = event.data();
    if (name == null || name.equals(START)) {
      try {
        JsonNode json = Json.parse(data);
        name = json.path("type").asText("");
        if (json.path("message") instanceof ObjectNode message && name.equals(START)) {
          message.put(MODEL, model);
          data = Json.text(json);
        }
      } catch (JsonProcessingException e) {
        return null;
      }
    }
    // A line break in the data would end the event.
    return new ChatEvent.Passed(name, data.indexOf('\n') < 0 ? data : data.replace('\n', ' '));
  }

  private static boolean isFailure(List<ChatEvent> events) {
    return events.stream().anyMatch(event -> event instanceof ChatEvent.Failed);
  }

  private static List<ChatEvent> join(ChatEvent passed, List<ChatEvent> said) {
    List<ChatEvent> all = new ArrayList<>(said.size() + 1);
    all.add(passed);
    all.addAll(said);
    return all;
  }

  @Override
  public boolean over() {
    return messages.over();
  }

  @Override
  public boolean whole() {
    return messages.whole();
  }

  @Override
  public List<ChatEvent> end() {
    return messages.end();
  }

  @Override
  public List<ChatEvent> broken(IOException cause) {
    return messages.broken(cause);
  }

  @Override
  public List<ChatEvent> noJson() {
    return messages.noJson();
  }

  @Override
  public List<ChatEvent> noStream(String contentType) {
    return messages.noStream(contentType);
  }
}
