package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Passes the events of an answer on to a client that speaks the provider's format, each before the
 * chat events that say the same. A failure is not passed on: the sink writes it. One per turn; not
 * thread-safe.
 */
public final class PassedEvents implements StreamTranslator {
  private final StreamTranslator translator;

  /**
   * @param translator translates the same events for the accumulator, the usage and the log
   */
  public PassedEvents(StreamTranslator translator) {
    this.translator = translator;
  }

  @Override
  public List<ChatEvent> translate(SseEvent event) {
    if (translator.over()) {
      return List.of();
    }
    List<ChatEvent> said = translator.translate(event);
    String name = event.name() == null ? type(event.data()) : event.name();
    // A line break in the data would end the event.
    return name.isEmpty() ? said : joined(name, event.data().replace('\n', ' '), said);
  }

  @Override
  public List<ChatEvent> translate(JsonNode json) {
    return joined(null, Json.text(json), translator.translate(json));
  }

  private static List<ChatEvent> joined(String name, String json, List<ChatEvent> said) {
    if (said.stream().anyMatch(event -> event instanceof ChatEvent.Failed)) {
      return said;
    }
    List<ChatEvent> all = new ArrayList<>(said.size() + 1);
    all.add(new ChatEvent.Passed(name, json));
    all.addAll(said);
    return all;
  }

  /** The event's name, which its data repeats; empty when the data is no JSON. */
  private static String type(String data) {
    try {
      return Json.parse(data).path("type").asText("");
    } catch (JsonProcessingException e) {
      return "";
    }
  }

  @Override
  public boolean over() {
    return translator.over();
  }

  @Override
  public boolean whole() {
    return translator.whole();
  }

  @Override
  public List<ChatEvent> end() {
    return translator.end();
  }

  @Override
  public List<ChatEvent> broken(IOException cause) {
    return translator.broken(cause);
  }

  @Override
  public List<ChatEvent> noJson() {
    return translator.noJson();
  }

  @Override
  public List<ChatEvent> noStream(String contentType) {
    return translator.noStream(contentType);
  }
}
