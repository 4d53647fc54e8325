package dev.llmproxy.provider;

import java.io.IOException;

/** A server-sent event is longer than the reader's limit. */
public final class EventTooLongException extends IOException {
  private static final long serialVersionUID = 1L;

  EventTooLongException(int mostBytes) {
    super("A server-sent event is longer than " + mostBytes + " bytes.");
  }
}
