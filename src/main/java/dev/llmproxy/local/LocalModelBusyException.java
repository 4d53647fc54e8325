package dev.llmproxy.local;

/** The queue of the local model is full. A later retry may succeed. */
public final class LocalModelBusyException extends RuntimeException {
  LocalModelBusyException(int waiting) {
    super("The local model is busy: " + waiting + " requests are waiting. Try again shortly.");
  }
}
