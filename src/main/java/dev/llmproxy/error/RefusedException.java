package dev.llmproxy.error;

import java.util.Arrays;

/**
 * Refuses a request from a route: the client gets 400 with the message. Routes throw it with {@code
 * throwException}; any other exception that they throw so refuses too.
 */
public final class RefusedException extends RuntimeException {
  private static final String STEP = "org.apache.camel.processor.ThrowExceptionProcessor";

  /** Frames between the step and the constructor of what it throws: reflection. */
  private static final int MOST_FRAMES = 16;

  /**
   * @param message for the client: what is wrong and what to do about it
   */
  public RefusedException(String message) {
    super(message);
  }

  /**
   * Whether a route refuses with it: it is one of these, or a step {@code throwException} made it,
   * whose message is written for the client. What Java code throws is a defect unless it says
   * otherwise.
   */
  static boolean refuses(Throwable thrown) {
    return thrown instanceof RefusedException
        || Arrays.stream(thrown.getStackTrace())
            .limit(MOST_FRAMES)
            .anyMatch(frame -> frame.getClassName().equals(STEP));
  }
}
