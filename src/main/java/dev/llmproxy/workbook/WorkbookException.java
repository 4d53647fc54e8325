package dev.llmproxy.workbook;

/** The workbook cannot be used in its present state; the message names the remedy. */
public final class WorkbookException extends RuntimeException {
  public WorkbookException(String message) {
    super(message);
  }

  public WorkbookException(String message, Throwable cause) {
    super(message, cause);
  }
}
