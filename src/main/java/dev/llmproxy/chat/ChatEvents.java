package dev.llmproxy.chat;

import java.util.Iterator;

/**
 * One turn's events as they come: {@code next} blocks until the provider has something. Ends with
 * complete or error, never throws for what a provider does. {@link #close} gives up the turn at
 * once, from any thread, and is harmless when it is over.
 */
public interface ChatEvents extends Iterator<ChatEvent>, AutoCloseable {
  @Override
  void close();
}
