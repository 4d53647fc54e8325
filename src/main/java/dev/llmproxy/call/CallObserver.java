package dev.llmproxy.call;

import dev.llmproxy.error.ApiError;
import java.time.Duration;

/**
 * Is told what happens to every request, by the request's own thread. It must be fast and must not
 * throw.
 */
public interface CallObserver {
  /** An observer that does nothing. */
  CallObserver NONE = new CallObserver() {};

  /** An attempt at the call's target begins. */
  default void asking(RequestContext context) {}

  /** The answer of an attempt has its first content. */
  default void answering(RequestContext context) {}

  /**
   * An attempt has ended.
   *
   * @param duration how long it took
   * @param error the error's code, {@code cancelled} when this server has ended it; null when the
   *     answer was complete
   */
  default void asked(RequestContext context, Duration duration, String error) {}

  /** A tool of the server has ended; {@code completed} says whether it gave a result. */
  default void toolEnded(
      RequestContext context, String tool, boolean completed, Duration duration) {}

  /** An admitted request has ended. */
  default void ended(RequestContext context, RequestRecord record) {}

  /**
   * A request was refused before it was admitted.
   *
   * @param context null when no route has seen the request
   * @param path of the request
   */
  default void refused(ApiError error, RequestContext context, String path) {}
}
