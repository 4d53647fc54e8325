package dev.llmproxy.ledger;

import dev.llmproxy.call.Call;
import dev.llmproxy.call.Settlement;
import dev.llmproxy.catalogue.TokenCount;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admitted requests of this server until the ledger has settled them. Every second, their usage
 * so far is stored in the ledger, and failed settlements are tried again. Every few seconds, the
 * leases of other servers are checked. This is not a route, because routes stop before their
 * running requests have ended.
 */
final class RunningRequests implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunningRequests.class);
  private static final int SECONDS_BETWEEN_RENEWALS = 5;
  private static final int SECONDS_BETWEEN_DEAD_CHECKS = 10;
  private static final int LAST_WRITE_SECONDS = 10;

  private final Ledger ledger;
  private final Clock clock;
  private final Map<String, Running> running = new ConcurrentHashMap<>();
  private final Queue<Settlement> unsettled = new ConcurrentLinkedQueue<>();
  private final Set<String> doubtful = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService keeper =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("ledger-keeper").daemon().factory());
  // The fields below belong to the keeper's thread.
  private long seconds;
  private boolean broken;

  /**
   * @param clock a clock that only goes forward
   */
  @SuppressWarnings("FutureReturnValueIgnored")
  RunningRequests(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
    keeper.scheduleWithFixedDelay(this::everySecond, 1, 1, TimeUnit.SECONDS);
  }

  /**
   * The cost of a call's turns in US dollars, or null when the model's price is unknown. An answer
   * from the cache costs nothing.
   */
  static BigDecimal cost(Call call, List<TokenCount> turns) {
    return call.fromCache() ? BigDecimal.ZERO : call.cost(turns);
  }

  /** Stores the call's usage from now on; {@code admitted} is in the ledger already. */
  void begin(Call call, List<TokenCount> admitted) {
    running.put(call.requestId(), new Running(call, clock.instant(), Use.admitted(admitted)));
  }

  /** The calls that have not ended. */
  List<Call> calls() {
    return running.values().stream().map(Running::call).toList();
  }

  /** The number of ended requests that wait for the ledger to work again. */
  int unsettled() {
    return unsettled.size();
  }

  /** The call is refused, although its admission may have been recorded. */
  void markDoubtful(Call call) {
    doubtful.add(call.requestId());
  }

  /** The time for which the call has been running; empty when it was not admitted. */
  Optional<Duration> end(Call call) {
    return Optional.ofNullable(running.remove(call.requestId())).map(this::duration);
  }

  /**
   * Records the outcome of a request, now or as soon as the ledger works again, without waiting.
   * Until then, each ended request takes a few hundred bytes of memory, and new requests are
   * refused.
   */
  @SuppressWarnings("FutureReturnValueIgnored")
  void settle(Settlement settlement) {
    ledger
        .settleLater(settlement)
        .whenComplete((first, failure) -> {
          if (failure != null) {
            retryLater(settlement, failure);
          } else if (!first) {
            notRunning(settlement);
          }
        });
  }

  private void retryLater(Settlement settlement, Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof LedgerException refusal && refusal.refused()) {
      LOG.error(
          "{} ended as {}, but will be recorded as INTERRUPTED with its last stored usage: {}",
          settlement.requestId(),
          settlement.status(),
          refusal.getMessage());
    } else {
      unsettled.add(settlement);
    }
  }

  /**
   * A request was refused because its commit got no answer, and its admission was in fact not
   * recorded.
   */
  private void notRunning(Settlement settlement) {
    if (doubtful.remove(settlement.requestId())) {
      LOG.debug("{} was refused and is not recorded", settlement.requestId());
    } else {
      LOG.warn(
          "{} was settled before, so {} does not count: {}the answer to a commit was lost",
          settlement.requestId(),
          settlement.status(),
          ledger.shared() ? "another server took this server for dead, or " : "");
    }
  }

  /** Tries for the last time to settle the remaining requests. The routes must have stopped. */
  @Override
  public void close() {
    keeper.shutdown();
    try {
      if (keeper.awaitTermination(LAST_WRITE_SECONDS, TimeUnit.SECONDS)) {
        retry();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (LedgerException e) {
      LOG.error(
          "The outcome of {} requests is lost; the next start records them as INTERRUPTED: {}",
          unsettled.size(),
          e.getMessage());
    }
  }

  private void everySecond() {
    try {
      if (broken || !ledger.works()) {
        ledger.tryToWrite();
      }
      if (seconds % SECONDS_BETWEEN_RENEWALS == 0 || broken) {
        ledger.renewLease();
      }
      retry();
      checkpoint();
      if (seconds % SECONDS_BETWEEN_DEAD_CHECKS == 0) {
        ledger.settleInterrupted();
      }
      seconds++;
      if (broken) {
        broken = false;
        LOG.info("The ledger works again; requests are accepted");
      }
    } catch (LedgerException e) {
      if (!broken) {
        broken = true;
        LOG.error("Requests are refused until the ledger works again: {}", e.getMessage());
      }
    } catch (RuntimeException | Error e) {
      // An exception would end the scheduled task.
      LOG.error("The usage of running requests could not be stored", e);
    }
  }

  /** Tries one request first, so that a ledger that does not work gets only that one. */
  private void retry() {
    Settlement first = unsettled.peek();
    if (first == null) {
      return;
    }
    try {
      if (!ledger.settle(first)) {
        notRunning(first);
      }
    } catch (LedgerException e) {
      if (!e.refused()) {
        throw e;
      }
      retryLater(first, e);
    }
    unsettled.remove(first);
    int others = unsettled.size();
    for (int i = 0; i < others; i++) {
      settle(unsettled.remove());
    }
    LOG.info("{} requests that ended while the ledger did not work are settled", others + 1);
  }

  private void checkpoint() {
    List<Checkpoint> checkpoints = new ArrayList<>();
    Map<String, Use> noted = new HashMap<>();
    for (Running request : running.values()) {
      try {
        Use use = Use.soFar(request.call);
        if (!use.equals(request.noted)) {
          checkpoints.add(checkpoint(request, use));
          noted.put(request.call.requestId(), use);
        }
      } catch (RuntimeException e) {
        LOG.error(
            "{} its usage so far cannot be computed: {}", request.call.requestId(), e.toString());
      }
    }
    if (checkpoints.isEmpty()) {
      return;
    }
    ledger.checkpoint(checkpoints);
    noted.forEach((requestId, use) ->
        running.computeIfPresent(
            requestId, (id, request) -> new Running(request.call, request.began, use)));
  }

  private Checkpoint checkpoint(Running request, Use use) {
    return new Checkpoint(
        request.call.requestId(),
        request.call.attempts().otherModel(),
        TokenCount.sum(use.tokens),
        use.turns,
        use.toolCalls,
        cost(request.call, use.tokens),
        duration(request));
  }

  private Duration duration(Running request) {
    return Duration.between(request.began, clock.instant());
  }

  /**
   * @param began by the clock that only goes forward
   * @param noted the checkpoint that the ledger has
   */
  private record Running(Call call, Instant began, Use noted) {}

  /**
   * @param tokens the tokens of each turn
   */
  private record Use(List<TokenCount> tokens, int turns, int toolCalls) {
    /** The ledger counts a request that was only admitted as one with a single turn. */
    static Use admitted(List<TokenCount> tokens) {
      return new Use(tokens, 1, 0);
    }

    static Use soFar(Call call) {
      return new Use(call.soFar(), call.turnCount(), call.toolCallCount());
    }
  }
}
