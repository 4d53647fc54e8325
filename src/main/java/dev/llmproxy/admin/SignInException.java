package dev.llmproxy.admin;

/** A sign-in that failed; the page shows words for its code. */
final class SignInException extends Exception {
  /** The browser has no sign-in under way, or it took too long. */
  static final String EXPIRED = "expired";

  /** The person, or the provider, has refused. */
  static final String REFUSED = "refused";

  /** The provider's answer is not valid. */
  static final String FAILED = "failed";

  /** The provider cannot be reached. */
  static final String UNAVAILABLE = "unavailable";

  /** The person may not use the pages. */
  static final String NOT_ALLOWED = "not_allowed";

  /** The one-time link was used, or is too old. */
  static final String LINK_VOID = "link_void";

  /** The one-time link was opened on another machine. */
  static final String LINK_ELSEWHERE = "link_elsewhere";

  /** Too many sign-ins came from the client's address. */
  static final String TOO_MANY = "too_many";

  private final String code;

  /**
   * @param message for the log and the record of actions; no secret
   */
  SignInException(String code, String message) {
    super(message, null, false, false);
    this.code = code;
  }

  String code() {
    return code;
  }
}
