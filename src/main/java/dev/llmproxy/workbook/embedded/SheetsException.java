package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;

/** A refused request, with Google's codes and messages. */
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

  /** 400: the request is invalid, and repeating it cannot help. */
  static SheetsException invalid(String message) {
    return new SheetsException(400, "INVALID_ARGUMENT", message);
  }

  /** 403: the embedded workbook does not accept calls from this origin or host. */
  static SheetsException forbidden(String message) {
    return new SheetsException(403, "PERMISSION_DENIED", message);
  }

  /** 404: there is no such spreadsheet or method. */
  static SheetsException notFound(String message) {
    return new SheetsException(404, "NOT_FOUND", message);
  }

  /** 429: too many calls; the same call may succeed later. */
  static SheetsException exhausted(String message, ArrayNode details) {
    return new SheetsException(429, "RESOURCE_EXHAUSTED", message, details);
  }

  /** 400: the embedded workbook does not support this request of Google's API. */
  static SheetsException unsupported(String what) {
    return invalid("The embedded workbook does not support " + what + ".");
  }

  /** 500: the database failed; nothing was changed. */
  static SheetsException internal() {
    return new SheetsException(500, "INTERNAL", "Internal error encountered.");
  }

  /** 503: the workbook is closing; nothing was changed. */
  static SheetsException closing() {
    return new SheetsException(503, "UNAVAILABLE", "The workbook is closing.");
  }

  /** The same error, prefixed with the part of a batch that caused it. */
  SheetsException within(String place) {
    return new SheetsException(code, status, "Invalid " + place + ": " + getMessage(), details);
  }

  /** HTTP status code. */
  int code() {
    return code;
  }

  /** Google's details for programs; empty when there are none. */
  ArrayNode details() {
    return details;
  }

  /** Google's canonical name of the code, such as {@code INVALID_ARGUMENT}. */
  String status() {
    return status;
  }
}
