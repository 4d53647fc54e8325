package dev.llmproxy.error;

/** The client left before its answer was whole. Has no stack trace: it is no defect. */
public final class ClientGoneException extends RuntimeException {
  public ClientGoneException() {
    super("The client closed the connection.", null, false, false);
  }
}
