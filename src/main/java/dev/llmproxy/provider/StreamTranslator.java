package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.chat.ChatEvent;
import java.io.IOException;
import java.util.List;

/**
 * Translates one answer of a provider to chat events. Each method returns the events that follow,
 * which may be none. One per turn; not thread-safe.
 */
public interface StreamTranslator {
  /** Whether the last event has been returned. */
  boolean over();

  /** Whether the answer is complete, so that its connection can be used again. */
  boolean whole();

  /** The events of one server-sent event. */
  List<ChatEvent> translate(SseEvent event);

  /** The events of one JSON value of an answer that is not an event stream. */
  List<ChatEvent> translate(JsonNode json);

  /** The events at the end of the answer, which may be incomplete. */
  List<ChatEvent> end();

  /** The events for a broken or silent connection and for an answer over a limit. */
  List<ChatEvent> broken(IOException cause);

  /** The events for an answer that cannot be read. */
  List<ChatEvent> noJson();

  /**
   * The events for an answer in another format, such as an HTML page.
   *
   * @param contentType the format
   */
  List<ChatEvent> noStream(String contentType);
}
