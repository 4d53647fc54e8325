package dev.llmproxy.chat;

import java.util.Iterator;

/**
 * The events of one turn, or of the tools that run between two, as they come: {@code next} blocks
 * until there is one. The last of the whole chat is complete or error; nothing that a provider or a
 * tool does is thrown. {@link #close} gives up at once, from any thread, and is harmless when they
 * are over.
 */
public interface ChatEvents extends Iterator<ChatEvent>, AutoCloseable {
  @Override
  void close();
}
