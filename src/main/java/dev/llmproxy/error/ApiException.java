package dev.llmproxy.error;

/** Ends a request with an {@link ApiError}. Has no stack trace: it is an answer, not a defect. */
public final class ApiException extends RuntimeException {
  private final transient ApiError error;

  public ApiException(ApiError error) {
    super(error.message(), null, false, false);
    this.error = error;
  }

  public ApiError error() {
    return error;
  }
}
