package dev.llmproxy.call;

/** How a request ended. */
public enum Status {
  /** The answer was whole. */
  SUCCESS,
  /** The provider or this server failed. */
  ERROR,
  /** The client left before the answer was whole. */
  CANCELLED,
  /** The server died while the answer was under way. */
  INTERRUPTED
}
