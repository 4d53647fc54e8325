package dev.llmproxy.call;

import dev.llmproxy.attempt.Attempt;
import java.time.Duration;
import java.time.Instant;

/**
 * Something that happens to a request while somebody watches. Contains no text of the conversation
 * and no key.
 */
public sealed interface LiveEvent {
  /** The request. */
  Subject of();

  /** When it happened: the time since the request arrived. */
  Duration after();

  /**
   * A request, as its events name it.
   *
   * @param requestId the id in the header {@code x-request-id}
   * @param started when the request arrived
   * @param email the caller's address
   * @param keyHash lower-case hex SHA-256 of the key; empty for a person who has signed in
   * @param keyName the name of the key; empty for a person who has signed in
   * @param type {@code chat} or {@code embedding}
   */
  record Subject(
      String requestId,
      Instant started,
      String email,
      String keyHash,
      String keyName,
      String type) {
    /** The request of a call. */
    public static Subject of(Call call) {
      Caller caller = call.caller();
      return new Subject(
          call.requestId(),
          call.started(),
          caller.email(),
          caller.keyHash(),
          caller.keyName(),
          call.type());
    }
  }

  /**
   * The request was admitted.
   *
   * @param model the model that is asked first: {@code provider/model}
   */
  record Began(Subject of, Duration after, String model) implements LiveEvent {}

  /** An attempt at a provider has failed, or has given the first content of a turn's answer. */
  record Attempted(Subject of, Duration after, Attempt attempt) implements LiveEvent {}

  /** A tool of the server begins to run. */
  record ToolStarted(Subject of, Duration after, String tool) implements LiveEvent {}

  /**
   * A tool of the server has ended.
   *
   * @param completed whether it gave a result, and not a failure
   * @param duration how long it ran
   */
  record ToolEnded(Subject of, Duration after, String tool, boolean completed, Duration duration)
      implements LiveEvent {}

  /** The request has ended, whatever the outcome. */
  record Ended(Subject of, Duration after, RequestRecord record) implements LiveEvent {}
}
