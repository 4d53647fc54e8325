package dev.llmproxy.error;

/** The errors of the management pages and their API. */
public final class AdminErrors {
  private static final String INVALID_REQUEST = "invalid_request_error";

  private AdminErrors() {}

  /** Nobody is signed in, or the session has ended. */
  public static ApiError notSignedIn() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        "not_signed_in",
        null,
        "You are not signed in, or your session has ended. Sign in at /admin/.");
  }

  /** The request names another server than this one. */
  public static ApiError wrongHost() {
    return forbidden(
        "wrong_origin",
        "The management pages are not served under this name. Open them at the address in LLMPROXY_PUBLIC_URL, or at the"
            + " server's IP address.");
  }

  /** The request does not come from a page of this server. */
  public static ApiError wrongOrigin() {
    return forbidden("wrong_origin", "Only the pages of this server may use its management API.");
  }

  /** A request with a change lacks the token of its session. */
  public static ApiError wrongCsrfToken() {
    return forbidden(
        "wrong_csrf_token",
        "The header X-CSRF-Token is not that of your session. Reload the page, and try again.");
  }

  /** The person is no administrator. */
  public static ApiError adminOnly() {
    return forbidden(
        "admin_only",
        "Only administrators may do this. LLMPROXY_ADMINS in application.properties lists them.");
  }

  /** There is no such key, or it belongs to somebody else. */
  public static ApiError noSuchKey() {
    return new ApiError(
        404,
        INVALID_REQUEST,
        "no_such_key",
        "id",
        "There is no such key. Reload the page: it may have been deleted from the sheet.");
  }

  /** The person has no usable key of this id. */
  public static ApiError notYourKey() {
    return new ApiError(
        404,
        INVALID_REQUEST,
        "no_such_key",
        "key_id",
        "You have no usable key with this id. Reload the page: the key may be revoked or expired.");
  }

  /** Somebody else has changed what the page showed; {@code what} says how it is now. */
  public static ApiError changedMeanwhile(String what) {
    return new ApiError(
        409,
        INVALID_REQUEST,
        "changed_meanwhile",
        null,
        "Somebody has changed this meanwhile, and nothing was saved: %s. Reload, and try again."
            .formatted(what));
  }

  /** There is no such thing, or it belongs to somebody else. */
  public static ApiError notFound(String what) {
    return new ApiError(
        404,
        INVALID_REQUEST,
        "not_found",
        null,
        "There is no such " + what + ", or it is not yours.");
  }

  /** The person, or all people together, watch requests in too many windows. */
  public static ApiError tooManyWatchers(int mostOfAPerson) {
    return new ApiError(
        429,
        "requests",
        "too_many_watchers",
        null,
        "The page Live is open in too many windows: at most %d of one person, and 100 in all. Close one, and try again."
            .formatted(mostOfAPerson));
  }

  private static ApiError forbidden(String code, String message) {
    return new ApiError(403, INVALID_REQUEST, code, null, message);
  }
}
