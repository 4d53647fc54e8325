package dev.llmproxy.usage;

/** The ledger cannot be opened, read or written; the message says why. */
public final class LedgerException extends RuntimeException {
  private final boolean outcomeUnknown;

  public LedgerException(String message, Throwable cause) {
    this(message, cause, false);
  }

  LedgerException(String message, Throwable cause, boolean outcomeUnknown) {
    super(message, cause);
    this.outcomeUnknown = outcomeUnknown;
  }

  /** Whether what was to be written may have been, because the answer to the commit was lost. */
  boolean outcomeUnknown() {
    return outcomeUnknown;
  }
}
