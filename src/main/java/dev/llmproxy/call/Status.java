package dev.llmproxy.call;

/** How a request ended. */
public enum Status {
  /** The answer was complete. */
  SUCCESS,
  /** The provider or this server failed. */
  ERROR,
  /** The client left before the answer was complete. */
  CANCELLED,
  /** The server died before the answer was complete. */
  INTERRUPTED
}
