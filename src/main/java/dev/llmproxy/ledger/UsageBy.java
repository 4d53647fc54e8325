package dev.llmproxy.ledger;

/** What the rows of a statistic stand for. */
public enum UsageBy {
  /** A UTC day. */
  DAY,
  /** A model id, {@code provider/model}. */
  MODEL,
  /** An API key; the requests of a signed-in person without a key are one row of that person. */
  KEY,
  /** A person: all keys with the same address, and requests without a key. */
  USER,
  /** An outcome. */
  STATUS
}
