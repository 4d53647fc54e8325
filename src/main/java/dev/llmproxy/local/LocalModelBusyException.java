package dev.llmproxy.local;

/** The queue of the local model is full. Trying again later helps. */
public final class LocalModelBusyException extends RuntimeException {
  LocalModelBusyException(int waiting) {
    super("The local model is busy: " + waiting + " requests are waiting. Try again shortly.");
  }
}
