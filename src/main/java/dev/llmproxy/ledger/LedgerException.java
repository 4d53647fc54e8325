package dev.llmproxy.ledger;

/** The ledger cannot be opened, read or written; the message says why. */
public final class LedgerException extends RuntimeException {
  private final Kind kind;

  public LedgerException(String message, Throwable cause) {
    this(message, cause, Kind.FAILED);
  }

  LedgerException(String message, Throwable cause, boolean outcomeUnknown) {
    this(message, cause, outcomeUnknown ? Kind.OUTCOME_UNKNOWN : Kind.FAILED);
  }

  private LedgerException(String message, Throwable cause, Kind kind) {
    super(message, cause);
    this.kind = kind;
  }

  /** For work that can never be written, because of its values. */
  static LedgerException refused(String message, Throwable cause) {
    return new LedgerException(message, cause, Kind.REFUSED);
  }

  /** A copy for another thread, with this exception as its cause. */
  LedgerException copy() {
    return new LedgerException(getMessage(), this, kind);
  }

  /** Whether the work may have been written, because the answer to the commit was lost. */
  boolean outcomeUnknown() {
    return kind == Kind.OUTCOME_UNKNOWN;
  }

  /** Whether the ledger works but refuses the work because of its values. */
  boolean refused() {
    return kind == Kind.REFUSED;
  }

  private enum Kind {
    FAILED,
    OUTCOME_UNKNOWN,
    REFUSED
  }
}
