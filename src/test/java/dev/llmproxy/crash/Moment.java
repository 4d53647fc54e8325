package dev.llmproxy.crash;

/** When the gateway is killed. */
enum Moment {
  /** At some time between the process's first instruction and its first answer. */
  STARTING,
  /** While it opens the ledger and settles what its predecessor has left under way. */
  OPENING_THE_LEDGER,
  /** At some time under load. */
  RUNNING,
  /** While a request waits for its answer's first byte. */
  BEFORE_A_FIRST_BYTE,
  /** After some chunk of a stream. */
  WITHIN_A_STREAM,
  /** When a client has just seen the end of its answer. */
  AFTER_AN_END,
  /** When the workbook has a commit and has not applied it; it does so after the kill. */
  COMMIT_ARRIVED,
  /** When the workbook has applied a commit and has not answered. */
  COMMIT_APPLIED
}
