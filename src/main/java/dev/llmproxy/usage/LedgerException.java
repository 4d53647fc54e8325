package dev.llmproxy.usage;

/** The ledger cannot be opened, read or written; the message says why. */
public final class LedgerException extends RuntimeException {
  public LedgerException(String message, Throwable cause) {
    super(message, cause);
  }
}
