package dev.llmproxy.chat;

import java.util.Iterator;
import java.util.List;

/** The events of a stored answer. All of them have arrived. */
final class StoredEvents implements ChatEvents {
  private final Iterator<ChatEvent> events;

  StoredEvents(List<ChatEvent> events) {
    this.events = events.iterator();
  }

  @Override
  public boolean hasNext() {
    return events.hasNext();
  }

  @Override
  public ChatEvent next() {
    return events.next();
  }

  @Override
  public ChatEvent poll() {
    return events.hasNext() ? events.next() : null;
  }

  @Override
  public void close() {}
}
