package dev.llmproxy.routing;

import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.error.ApiError;
import java.util.ArrayDeque;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The events of one attempt. They can be read up to the first content before they are passed on, so
 * that another attempt can follow a failure.
 */
final class AnswerEvents implements ChatEvents {
  private final ChatEvents provider;
  private final RunningAttempt attempt;
  private final Predicate<ApiError> lost;
  private final Consumer<String> ended;
  private final Queue<ChatEvent> early = new ArrayDeque<>(2);
  private boolean over;
  private boolean passedOn;

  /**
   * @param provider the events of the provider's answer
   * @param lost gets the error of an answer that fails after its first content; returns whether
   *     another attempt follows all the same, and these events end without the failure
   * @param ended gets the code of the error that has ended an answer after its first content, null
   *     for a complete one
   */
  AnswerEvents(
      ChatEvents provider,
      RunningAttempt attempt,
      Predicate<ApiError> lost,
      Consumer<String> ended) {
    this.provider = provider;
    this.attempt = attempt;
    this.lost = lost;
    this.ended = ended;
  }

  /**
   * Waits for the first content or for the end of the answer.
   *
   * @param waiting runs when the answer has begun, but no content has arrived
   * @return the error when the answer has failed before that, else null
   */
  ApiError awaitContent(Runnable waiting) {
    while (true) {
      ChatEvent event = early.isEmpty() ? null : provider.poll();
      if (event == null) {
        if (!early.isEmpty()) {
          waiting.run();
        }
        if (!provider.hasNext()) {
          return attempt.late();
        }
        event = provider.next();
      }
      if (event instanceof ChatEvent.Failed failed) {
        return attempt.late() == null ? failed.error() : attempt.late();
      }
      early.add(checked(event));
      if (isContent(event)) {
        attempt.hear();
        return null;
      }
    }
  }

  private static boolean isContent(ChatEvent event) {
    return switch (event) {
      case ChatEvent.Delta delta -> delta.hasContent();
      // What it says follows.
      case ChatEvent.Passed passed -> false;
      default -> true;
    };
  }

  /** The attempt has answered: these events go to the client. */
  void passOn() {
    passedOn = true;
    if (over) {
      ended.accept(null);
    }
  }

  /** Whether the answer ended without content, because the provider's policy forbids it. */
  boolean isFiltered() {
    return early.stream()
        .allMatch(event ->
            event instanceof ChatEvent.Passed
                || (event instanceof ChatEvent.Delta delta
                    && delta.isEmptyExceptFor("content_filter")));
  }

  @Override
  public boolean hasNext() {
    if (early.isEmpty() && !over) {
      ChatEvent event =
          provider.hasNext()
              ? checked(provider.next())
              : attempt.late() == null ? null : checked(new ChatEvent.Failed(attempt.late()));
      if (event != null) {
        early.add(event);
      }
    }
    return !early.isEmpty();
  }

  @Override
  public ChatEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return early.remove();
  }

  @Override
  public ChatEvent poll() {
    if (!early.isEmpty()) {
      return early.remove();
    }
    ChatEvent event = over ? null : provider.poll();
    return event == null ? null : checked(event);
  }

  /** The event for the client; null when another attempt follows. */
  private ChatEvent checked(ChatEvent event) {
    if (event instanceof ChatEvent.Delta) {
      return event;
    }
    if (event instanceof ChatEvent.Failed failed) {
      ApiError error = attempt.late() == null ? failed.error() : attempt.late();
      end(error.codeOrType());
      return lost.test(error) ? null : new ChatEvent.Failed(error);
    }
    if (event instanceof ChatEvent.Complete) {
      end(null);
    }
    return event;
  }

  private void end(String error) {
    over = true;
    attempt.end();
    if (passedOn) {
      ended.accept(error);
    }
  }

  @Override
  public void close() {
    attempt.end();
    if (passedOn) {
      ended.accept(ProviderAttempts.CANCELLED);
    }
    provider.close();
  }
}
