package dev.llmproxy.chat;

import java.io.Closeable;
import java.util.Iterator;

/**
 * The events of one turn, or of the tools that run between two turns. {@code next} blocks until
 * there is an event. The last event of a chat is complete or error. A failure of a provider or a
 * tool is an event and not an exception. {@link #close} cancels at once, from any thread; after the
 * last event it has no effect.
 */
public interface ChatEvents extends Iterator<ChatEvent>, Closeable {
  /** The next event if it has arrived; null when it has not or the events are over. Never waits. */
  default ChatEvent poll() {
    return null;
  }

  @Override
  void close();
}
