package dev.llmproxy.call;

import dev.llmproxy.attempt.Attempt;
import dev.llmproxy.error.ApiError;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Tells watchers what happens to requests. While nobody watches, a request pays one volatile read
 * for each event. It never waits for a watcher.
 */
public final class LiveRequests {
  /** A person may watch in so many windows at once. */
  public static final int MOST_OF_A_PERSON = 4;

  private static final int MOST = 100;
  private static final int MOST_WAITING = 1000;

  private final Clock clock;
  private final CallObserver observer;
  private final int most;
  private final int mostWaiting;
  private final Object opening = new Object();

  /** Replaced as a whole, so that a request reads it without a lock. */
  private volatile List<LiveWatch> watches = List.of();

  /**
   * @param clock gives the time of events
   */
  public LiveRequests(Clock clock) {
    this(clock, CallObserver.NONE);
  }

  /**
   * @param clock gives the time of events
   * @param observer is always told, also while nobody watches
   */
  public LiveRequests(Clock clock, CallObserver observer) {
    this(clock, observer, MOST, MOST_WAITING);
  }

  LiveRequests(Clock clock, CallObserver observer, int most, int mostWaiting) {
    this.clock = clock;
    this.observer = observer;
    this.most = most;
    this.mostWaiting = mostWaiting;
  }

  /**
   * Begins to watch.
   *
   * @param person the address of the person who watches
   * @param wanted which events the watcher gets; called by the threads of requests, must be fast
   *     and must not throw
   * @return empty when there are too many watchers, or too many of this person
   */
  public Optional<LiveWatch> watch(String person, Predicate<LiveEvent> wanted) {
    synchronized (opening) {
      long own = watches.stream().filter(watch -> watch.person().equals(person)).count();
      if (watches.size() >= most || own >= MOST_OF_A_PERSON) {
        return Optional.empty();
      }
      LiveWatch watch = new LiveWatch(person, wanted, mostWaiting, this::remove);
      watches = Stream.concat(watches.stream(), Stream.of(watch)).toList();
      return Optional.of(watch);
    }
  }

  /** The number of watchers. */
  public int watchers() {
    return watches.size();
  }

  /** A request was admitted. */
  public void began(RequestContext context) {
    observer.began(context);
    if (watched()) {
      Call call = context.call();
      publish(new LiveEvent.Began(subject(call), after(call), call.target().servedModel()));
    }
  }

  /** An attempt begins. */
  public void asking(RequestContext context) {
    observer.asking(context);
  }

  /** The last attempt of a request has begun to answer. */
  public void answering(RequestContext context) {
    observer.answering(context);
    attempted(context);
  }

  /**
   * An attempt has ended.
   *
   * @see CallObserver#asked
   */
  public void asked(RequestContext context, Duration duration, String error) {
    observer.asked(context, duration, error);
  }

  /** The last attempt of a request has failed or has begun to answer. */
  public void attempted(RequestContext context) {
    if (watched()) {
      Call call = context.call();
      Attempt last = call.attempts().made().getLast();
      publish(new LiveEvent.Attempted(subject(call), after(call), last));
    }
  }

  /** A tool of the server begins to run. */
  public void toolStarted(RequestContext context, String tool) {
    if (watched()) {
      Call call = context.call();
      publish(new LiveEvent.ToolStarted(subject(call), after(call), tool));
    }
  }

  /** A tool of the server has ended; {@code completed} says whether it gave a result. */
  public void toolEnded(RequestContext context, String tool, boolean completed, Duration duration) {
    observer.toolEnded(context, tool, completed, duration);
    if (watched()) {
      Call call = context.call();
      publish(new LiveEvent.ToolEnded(subject(call), after(call), tool, completed, duration));
    }
  }

  /** A request was refused before it was admitted; {@code context} may be null. */
  public void refused(ApiError error, RequestContext context, String path) {
    observer.refused(error, context, path);
  }

  /** A request has ended. */
  public void ended(RequestContext context, RequestRecord record) {
    observer.ended(context, record);
    if (watched()) {
      Call call = context.call();
      publish(new LiveEvent.Ended(subject(call), after(call), record));
    }
  }

  private boolean watched() {
    return !watches.isEmpty();
  }

  private void publish(LiveEvent event) {
    for (LiveWatch watch : watches) {
      watch.add(event);
    }
  }

  private void remove(LiveWatch closed) {
    synchronized (opening) {
      watches = watches.stream().filter(watch -> watch != closed).toList();
    }
  }

  private static LiveEvent.Subject subject(Call call) {
    return LiveEvent.Subject.of(call);
  }

  private Duration after(Call call) {
    return Duration.between(call.started(), clock.instant());
  }
}
