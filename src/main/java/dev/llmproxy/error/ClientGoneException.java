package dev.llmproxy.error;

/**
 * The client left before the answer was complete. It has no stack trace because it is not a defect.
 */
public final class ClientGoneException extends RuntimeException {
  public ClientGoneException() {
    super("The client closed the connection.", null, false, false);
  }
}
