package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;

/** A request that is refused, in the words and with the codes Google uses. */
final class SheetsException extends RuntimeException {
  private final int code;
  private final String status;
  private final transient ArrayNode details;

  private SheetsException(int code, String status, String message) {
    this(code, status, message, Json.array());
  }

  private SheetsException(int code, String status, String message, ArrayNode details) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }

  /** 400: the request itself is wrong and will stay wrong however often it is sent. */
  static SheetsException invalid(String message) {
    return new SheetsException(400, "INVALID_ARGUMENT", message);
  }

  /** 403: the request does not come from where it may come from. */
  static SheetsException forbidden(String message) {
    return new SheetsException(403, "PERMISSION_DENIED", message);
  }

  /** 404: no such spreadsheet or no such method. */
  static SheetsException notFound(String message) {
    return new SheetsException(404, "NOT_FOUND", message);
  }

  /** 429: too many calls; the same one may pass later. */
  static SheetsException exhausted(String message, ArrayNode details) {
    return new SheetsException(429, "RESOURCE_EXHAUSTED", message, details);
  }

  /** 400: the request is one of Google's that the embedded workbook has no use for. */
  static SheetsException unsupported(String what) {
    return invalid("The embedded workbook does not support " + what + ".");
  }

  /** 500: the store failed; nothing was changed. */
  static SheetsException internal() {
    return new SheetsException(500, "INTERNAL", "Internal error encountered.");
  }

  /** 503: the workbook is closing; nothing was changed. */
  static SheetsException closing() {
    return new SheetsException(503, "UNAVAILABLE", "The workbook is closing.");
  }

  /** The same refusal, saying in front which part of a batch it is about. */
  SheetsException within(String place) {
    return new SheetsException(code, status, "Invalid " + place + ": " + getMessage(), details);
  }

  /** HTTP status code. */
  int code() {
    return code;
  }

  /** What Google adds for programs to read; empty when there is nothing. */
  ArrayNode details() {
    return details;
  }

  /** Google's canonical name of the code, such as {@code INVALID_ARGUMENT}. */
  String status() {
    return status;
  }
}
