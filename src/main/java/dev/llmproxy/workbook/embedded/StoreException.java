package dev.llmproxy.workbook.embedded;

/** The database under the workbook failed (disk full, file damaged). Nothing was changed. */
final class StoreException extends RuntimeException {
  StoreException(Throwable cause) {
    super(cause.getMessage(), cause);
  }
}
