package dev.llmproxy.ledger;

/** The column by which the rows of a statistic are sorted. */
public enum UsageOrder {
  /** The day, model, address or status. */
  NAME,
  REQUESTS,
  FAILED,
  /** Tokens in and out. */
  TOKENS,
  COST,
  /** The mean duration. */
  DURATION
}
