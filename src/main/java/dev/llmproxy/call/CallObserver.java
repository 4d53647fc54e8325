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

  /** Tells two observers, one after the other. */
  static CallObserver both(CallObserver one, CallObserver other) {
    return new CallObserver() {
      @Override
      public void began(RequestContext context) {
        one.began(context);
        other.began(context);
      }

      @Override
      public void asking(RequestContext context) {
        one.asking(context);
        other.asking(context);
      }

      @Override
      public void answering(RequestContext context) {
        one.answering(context);
        other.answering(context);
      }

      @Override
      public void asked(RequestContext context, Duration duration, String error) {
        one.asked(context, duration, error);
        other.asked(context, duration, error);
      }

      @Override
      public void toolEnded(
          RequestContext context, String tool, boolean completed, Duration duration) {
        one.toolEnded(context, tool, completed, duration);
        other.toolEnded(context, tool, completed, duration);
      }

      @Override
      public void ended(RequestContext context, RequestRecord record) {
        one.ended(context, record);
        other.ended(context, record);
      }

      @Override
      public void refused(ApiError error, RequestContext context, String path) {
        one.refused(error, context, path);
        other.refused(error, context, path);
      }
    };
  }

  /** A request was admitted. */
  default void began(RequestContext context) {}

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
