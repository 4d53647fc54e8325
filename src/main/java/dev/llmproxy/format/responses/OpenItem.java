package dev.llmproxy.format.responses;

/** An item of a response while it comes into being. */
interface OpenItem {
  /** Adds the next piece of its text. */
  void text(String piece);

  /**
   * Ends it.
   *
   * @param status {@code completed} or {@code incomplete}
   */
  void end(String status);
}
