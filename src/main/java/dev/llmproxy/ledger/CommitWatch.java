package dev.llmproxy.ledger;

/** Is told of each commit of the ledger, by the thread that writes it; must be fast. */
public interface CommitWatch {
  /** A watch that does nothing. */
  CommitWatch NONE = (writings, nanos, succeeded) -> {};

  /**
   * A commit has succeeded or failed.
   *
   * @param writings the number of writings that shared it
   * @param nanos how long it took
   */
  void committed(int writings, long nanos, boolean succeeded);
}
