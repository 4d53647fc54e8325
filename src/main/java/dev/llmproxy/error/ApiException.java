package dev.llmproxy.error;

/** Ends a request with an {@link ApiError}. It has no stack trace because it is not a defect. */
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
