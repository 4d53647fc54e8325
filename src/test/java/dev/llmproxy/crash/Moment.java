package dev.llmproxy.crash;

/** When the gateway is killed. */
enum Moment {
  /** At some time between the process's first instruction and its first answer. */
  STARTING,
  /** While the gateway opens the ledger and settles the interrupted requests of its predecessor. */
  OPENING_THE_LEDGER,
  /** At some time under load. */
  RUNNING,
  /** While a request waits for its answer's first byte. */
  BEFORE_A_FIRST_BYTE,
  /** After a random chunk of a stream. */
  WITHIN_A_STREAM,
  /** When a client has just seen the end of its answer. */
  AFTER_AN_END,
  /** When the workbook has received a commit and not applied it; it applies it after the kill. */
  COMMIT_ARRIVED,
  /** When the workbook has applied a commit and has not answered. */
  COMMIT_APPLIED
}
