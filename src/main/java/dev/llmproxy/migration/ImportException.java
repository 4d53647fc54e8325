package dev.llmproxy.migration;

/** A file cannot be imported. The message begins with the file and, if known, the line. */
public final class ImportException extends RuntimeException {
  public ImportException(String message) {
    super(message);
  }
}
