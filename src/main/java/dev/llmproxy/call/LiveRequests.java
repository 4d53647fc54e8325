package dev.llmproxy.call;

import dev.llmproxy.attempt.Attempt;
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
  private final int most;
  private final int mostWaiting;
  private final Object opening = new Object();

  /** Replaced as a whole, so that a request reads it without a lock. */
  private volatile List<LiveWatch> watches = List.of();

  /**
   * @param clock gives the time of events
   */
  public LiveRequests(Clock clock) {
    this(clock, MOST, MOST_WAITING);
  }

  LiveRequests(Clock clock, int most, int mostWaiting) {
    this.clock = clock;
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
  public void began(Call call) {
    if (watched()) {
      publish(new LiveEvent.Began(subject(call), after(call), call.target().servedModel()));
    }
  }

  /** The last attempt of a request has failed or has begun to answer. */
  public void attempted(Call call) {
    if (watched()) {
      Attempt last = call.attempts().made().getLast();
      publish(new LiveEvent.Attempted(subject(call), after(call), last));
    }
  }

  /** A tool of the server begins to run. */
  public void toolStarted(Call call, String tool) {
    if (watched()) {
      publish(new LiveEvent.ToolStarted(subject(call), after(call), tool));
    }
  }

  /** A tool of the server has ended; {@code completed} says whether it gave a result. */
  public void toolEnded(Call call, String tool, boolean completed, Duration duration) {
    if (watched()) {
      publish(new LiveEvent.ToolEnded(subject(call), after(call), tool, completed, duration));
    }
  }

  /** A request has ended. */
  public void ended(Call call, RequestRecord record) {
    if (watched()) {
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
