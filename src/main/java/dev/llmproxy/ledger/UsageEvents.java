package dev.llmproxy.ledger;

import dev.llmproxy.call.RequestLog;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives settled requests to routes that deliver them to other systems, e.g. {@code usage-kafka}.
 * Each route has a cursor in the ledger under its id. A record is delivered at least once, in the
 * order of settlement, and never skipped: the cursor moves after the delivery. Of several servers
 * that share the ledger, one at a time delivers for a route. A route that runs for the first time
 * gets what is settled from then on.
 *
 * <p>A route repeats {@link #next}, its delivery and {@link #done}, and calls {@link #failed} for
 * an exception in between.
 */
public final class UsageEvents {
  private static final Logger LOG = LoggerFactory.getLogger(UsageEvents.class);
  private static final String BATCH = "usageEvents";
  private static final int MOST = 500;

  /** Another server delivers a batch again that takes longer. */
  private static final Duration LONGEST_DELIVERY = Duration.ofMinutes(10);

  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(2);
  private static final int MOST_DOUBLINGS = 7;

  private final Ledger ledger;
  private final Set<String> created = ConcurrentHashMap.newKeySet();

  public UsageEvents(Ledger ledger) {
    this.ledger = ledger;
  }

  /**
   * The state of a route that delivers records.
   *
   * @param name the route's id
   * @param waiting the number of settled requests that are not delivered
   * @param failures how often in a row the delivery has failed
   * @param problem why it failed the last time; null when it has not
   */
  public record Consumer(String name, long waiting, int failures, String problem) {}

  /**
   * Takes the next records for the route that began the exchange. The body becomes their list, with
   * at least one {@link UsageEvent}. After a failure it has one record, so that the log names the
   * one that cannot be delivered.
   *
   * @return whether there are some, this server may deliver them, and it is time
   * @throws LedgerException when the ledger does not work now
   */
  public boolean next(Exchange exchange) {
    String name = exchange.getFromRouteId();
    Optional<Long> sequence =
        ledger.read(
            connection -> UsageCursor.free(connection, name, ledger.instance(), ledger.now()));
    if (sequence.isEmpty()) {
      if (!created.contains(name)) {
        ledger.write(connection -> UsageCursor.create(connection, name));
        created.add(name);
      }
      return false;
    }
    if (ledger.after(sequence.get(), 1).isEmpty()) {
      return false;
    }
    Optional<UsageCursor.Claim> claim =
        ledger.write(connection ->
            UsageCursor.claim(connection, name, ledger.instance(), LONGEST_DELIVERY, ledger.now()));
    if (claim.isEmpty()) {
      return false;
    }
    long from = claim.get().sequence();
    List<UsageRecord> records = ledger.after(from, claim.get().failures() == 0 ? MOST : 1);
    long to = records.isEmpty() ? from : records.getLast().sequence();
    Batch batch = new Batch(name, from, to, claim.get().failures());
    if (records.isEmpty()) {
      move(batch);
      return false;
    }
    exchange.setProperty(BATCH, batch);
    exchange.getMessage().setBody(records.stream().map(UsageEvent::of).toList());
    return true;
  }

  /**
   * The records of {@link #next} are delivered.
   *
   * @throws LedgerException when the ledger does not work now; the records are then delivered again
   */
  public void done(Exchange exchange) {
    Batch batch = batch(exchange);
    if (move(batch) == 0) {
      LOG.warn(
          "{}: another server has taken over; it may deliver the records {} to {} again",
          batch.name,
          batch.from + 1,
          batch.to);
    } else if (batch.failures > 0) {
      LOG.info("{}: records are delivered again", batch.name);
    }
  }

  /**
   * The delivery has failed. The same records are tried again after a pause, which grows from 1
   * second to 2 minutes.
   *
   * @throws LedgerException when the ledger does not work now; the records are tried again then too
   */
  public void failed(Exchange exchange) {
    Batch batch = batch(exchange);
    Throwable cause = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
    Duration pause = Duration.ofSeconds(1L << Math.min(batch.failures, MOST_DOUBLINGS));
    Duration limited = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    String first = firstId(batch);
    LOG.warn(
        "{}: the delivery of settled requests failed from {} on, and is tried again in {} s: {}",
        batch.name,
        first,
        limited.toSeconds(),
        reason(cause));
    ledger.write(connection ->
        UsageCursor.failed(
            connection,
            batch.name,
            ledger.instance(),
            "from request " + first + " on: " + reason(cause),
            limited,
            ledger.now()));
  }

  /** The records of the body as one JSON array. */
  public String array(Exchange exchange) {
    StringJoiner array = new StringJoiner(",", "[", "]");
    for (Object event : exchange.getMessage().getBody(List.class)) {
      array.add(event.toString());
    }
    return array.toString();
  }

  /** The records of the body as JSON objects, each on a line that ends with a line feed. */
  public String lines(Exchange exchange) {
    StringBuilder lines = new StringBuilder();
    for (Object event : exchange.getMessage().getBody(List.class)) {
      lines.append(event).append('\n');
    }
    return lines.toString();
  }

  /**
   * The state of every route that has delivered records from this ledger, by name.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public List<Consumer> consumers() {
    return ledger.read(UsageCursor::states).stream()
        .map(
            state -> new Consumer(state.name(), state.waiting(), state.failures(), state.problem()))
        .toList();
  }

  private int move(Batch batch) {
    return ledger.write(connection ->
        UsageCursor.done(connection, batch.name, ledger.instance(), batch.from, batch.to));
  }

  private String firstId(Batch batch) {
    return ledger.after(batch.from, 1).stream()
        .map(UsageRecord::requestId)
        .findFirst()
        .orElse("the next request");
  }

  private static Batch batch(Exchange exchange) {
    return exchange.getProperty(BATCH, Batch.class);
  }

  private static String reason(Throwable cause) {
    return cause == null ? "unknown reason" : RequestLog.reason(cause);
  }

  /**
   * @param from the cursor before the batch
   * @param to the sequence of the last record
   * @param failures of the delivery in a row, before this one
   */
  private record Batch(String name, long from, long to, int failures) {}
}
