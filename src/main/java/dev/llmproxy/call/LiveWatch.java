package dev.llmproxy.call;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The events that one watcher has not taken yet. A watcher that is too slow loses the oldest ones;
 * requests never wait for it. One thread takes, any thread adds.
 */
public final class LiveWatch implements AutoCloseable {
  private final Predicate<LiveEvent> wanted;
  private final int mostWaiting;
  private final Consumer<LiveWatch> onClose;
  private final String person;
  private final Queue<LiveEvent> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicLong dropped = new AtomicLong();

  LiveWatch(
      String person, Predicate<LiveEvent> wanted, int mostWaiting, Consumer<LiveWatch> onClose) {
    this.person = person;
    this.wanted = wanted;
    this.mostWaiting = mostWaiting;
    this.onClose = onClose;
  }

  /** The address of the person who watches. */
  String person() {
    return person;
  }

  void add(LiveEvent event) {
    if (!wanted.test(event)) {
      return;
    }
    waiting.add(event);
    if (count.incrementAndGet() > mostWaiting && waiting.poll() != null) {
      count.decrementAndGet();
      dropped.incrementAndGet();
    }
  }

  /** Takes the waiting events, the oldest first. */
  public List<LiveEvent> take() {
    List<LiveEvent> taken = new ArrayList<>();
    while (taken.size() < mostWaiting) {
      LiveEvent event = waiting.poll();
      if (event == null) {
        break;
      }
      count.decrementAndGet();
      taken.add(event);
    }
    return taken;
  }

  /** The number of events that were lost since the last call of this method. */
  public long takeDropped() {
    return dropped.getAndSet(0);
  }

  /** Ends the watch. A second call does nothing. */
  @Override
  public void close() {
    onClose.accept(this);
  }
}
