package dev.llmproxy.workbook.embedded;

/** The workbook's database failed (disk full, file damaged). Nothing was changed. */
final class StoreException extends RuntimeException {
  StoreException(Throwable cause) {
    super(cause.getMessage(), cause);
  }
}
