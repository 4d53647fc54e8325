package dev.llmproxy.error;

import java.util.Arrays;

/**
 * Refuses a request: the client gets 400 with the message. Routes throw it with {@code
 * throwException}. Any other exception that they throw this way refuses the request too.
 */
public final class RefusedException extends RuntimeException {
  private static final String STEP = "org.apache.camel.processor.ThrowExceptionProcessor";

  /**
   * Most stack frames between the step and the constructor of its exception; reflection adds some.
   */
  private static final int MOST_FRAMES = 16;

  /**
   * @param message for the client: what is wrong and how to mend it
   */
  public RefusedException(String message) {
    super(message);
  }

  /**
   * Whether the exception is a refusal by a route: it is of this class, or a step {@code
   * throwException} created it. The message of such a step is meant for the client. All other
   * exceptions of Java code are defects.
   */
  static boolean refuses(Throwable thrown) {
    return thrown instanceof RefusedException
        || Arrays.stream(thrown.getStackTrace())
            .limit(MOST_FRAMES)
            .anyMatch(frame -> frame.getClassName().equals(STEP));
  }
}
