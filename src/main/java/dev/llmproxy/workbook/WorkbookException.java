package dev.llmproxy.workbook;

/** The workbook cannot be used as it stands; the message says what to do about it. */
public final class WorkbookException extends RuntimeException {
  public WorkbookException(String message) {
    super(message);
  }

  public WorkbookException(String message, Throwable cause) {
    super(message, cause);
  }
}
