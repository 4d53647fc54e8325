package dev.llmproxy.attempt;

import dev.llmproxy.base.ShownText;
import dev.llmproxy.catalogue.Chain;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The attempts to answer one request. Only the request's thread writes. Any thread may read {@link
 * #target} and {@link #cost} at any time.
 */
public final class Attempts {
  private static final int MOST_SHOWN = 1000;
  private static final List<Integer> THE_ONLY_ONE = List.of(0);

  private final Chain chain;
  private final List<Attempt> made = new ArrayList<>();
  private List<Target> candidates;
  private volatile Target target;
  private final String first;

  /** The target that answered each turn. */
  private volatile List<Target> answered = List.of();

  /** The cost of attempts that failed, and that others followed. */
  private volatile BigDecimal lostCost = BigDecimal.ZERO;

  // The state of the current turn.
  private int turn;
  private Instant deadline;
  private boolean open;
  private boolean last;
  private int asked;
  private int round;

  /** The place of the current target among the candidates. */
  private int place;

  /** The candidates that have failed in this round. */
  private final Set<Integer> failed = new HashSet<>();

  /** The candidates that would fail again in this turn. */
  private final Set<Integer> hopeless = new HashSet<>();

  /** When each candidate is ready again that has said so. */
  private final Map<Integer, Instant> ready = new HashMap<>();

  private ApiError lastError;

  /** Attempts at the targets of a chain, in an order that is drawn when the chain has weights. */
  public Attempts(Chain chain) {
    this.chain = chain;
    candidates = chain.order(ThreadLocalRandom.current());
    target = candidates.getFirst();
    first = target.servedModel();
  }

  /** Attempts at a single target. */
  public static Attempts at(Target target) {
    return new Attempts(Chain.of(target));
  }

  /** The target that is being asked, or was asked last; before that, the first one. */
  public Target target() {
    return target;
  }

  /** The model that is being asked, when it is another one than at first; else null. */
  public String otherModel() {
    String model = target.servedModel();
    return model.equals(first) ? null : model;
  }

  /** Every target that may be asked. */
  public List<Target> possible() {
    return Stream.of(chain.targets(), chain.longContext(), chain.otherPolicy())
        .flatMap(List::stream)
        .toList();
  }

  /** The attempts that have ended or have begun to answer, in order. */
  public List<Attempt> made() {
    return made;
  }

  /** Whether more than one attempt of the present turn has failed. */
  public boolean severalFailed() {
    return made.stream().filter(attempt -> !attempt.answered() && attempt.turn() == turn).count()
        > 1;
  }

  /** The attempts that failed, for people; at most 1,000 characters. */
  public String tried() {
    if (made.size() == answered.size()) {
      return "";
    }
    return ShownText.cut(
        made.stream()
            .filter(attempt -> !attempt.answered())
            .map(Attempt::toString)
            .collect(Collectors.joining(", ")),
        MOST_SHOWN);
  }

  /** The number of attempts, in all turns. */
  public int count() {
    return made.size();
  }

  /**
   * The exact cost in US dollars, with that of failed attempts.
   *
   * @param turns the tokens of each turn
   * @param time when the request arrived
   * @return null when a price is unknown
   */
  public BigDecimal cost(List<TokenCount> turns, Instant time) {
    BigDecimal cost = costOfTurns(turns, time);
    BigDecimal lost = lostCost;
    return cost == null || lost.signum() == 0 ? cost : cost.add(lost);
  }

  private BigDecimal costOfTurns(List<TokenCount> turns, Instant time) {
    List<Target> by = answered;
    Target last = target;
    if (by.stream().allMatch(last::equals)) {
      return last.cost(turns, time);
    }
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < turns.size() && sum != null; i++) {
      BigDecimal cost = (i < by.size() ? by.get(i) : last).cost(turns.subList(i, i + 1), time);
      sum = cost == null ? null : sum.add(cost);
    }
    return sum;
  }

  /**
   * The attempts with the cost of each; empty when the first attempt of every turn answered.
   *
   * @param turns the tokens of each turn
   * @param time when the request arrived
   */
  public List<Attempt> withCosts(List<TokenCount> turns, Instant time) {
    if (made.size() == answered.size()) {
      return List.of();
    }
    List<Attempt> all = new ArrayList<>();
    int answers = 0;
    for (Attempt attempt : made) {
      if (attempt.answered()) {
        all.add(
            attempt.costing(
                answers < turns.size()
                    ? answered.get(answers).cost(turns.subList(answers, answers + 1), time)
                    : null));
        answers++;
      } else {
        all.add(attempt);
      }
    }
    return all;
  }

  /** No attempt follows the present one: the request cannot be sent again. */
  public void forbidMore() {
    last = true;
  }

  /** Whether no attempt may follow the present one. */
  boolean isLast() {
    return last;
  }

  /** Whether the turn has no answer yet, and another attempt follows. */
  public boolean open() {
    return open;
  }

  /** Begins a turn. The target of the turn before it is asked first. */
  void begin(Instant lastAttempt) {
    turn++;
    deadline = lastAttempt;
    open = true;
    asked = 0;
    round = 0;
    failed.clear();
    hopeless.clear();
    ready.clear();
    lastError = null;
  }

  public Chain chain() {
    return chain;
  }

  int turn() {
    return turn;
  }

  /** The number of the current round: 0 until every target has failed once. */
  int round() {
    return round;
  }

  /** The number of attempts of this turn. */
  int asked() {
    return asked;
  }

  /** Whether an attempt may still begin at this time. */
  boolean inTime(Instant time) {
    return !time.isAfter(deadline);
  }

  /** The error of the last attempt of this turn; null when none has failed. */
  ApiError lastError() {
    return lastError;
  }

  /**
   * The places of the candidates that have not failed in this round, the current one first.
   *
   * @param usable whether a candidate can answer; when none can, all are asked for their refusal
   */
  List<Integer> left(Predicate<Target> usable) {
    if (candidates.size() == 1) {
      return failed.isEmpty() && hopeless.isEmpty() ? THE_ONLY_ONE : List.of();
    }
    List<Integer> places = new ArrayList<>(candidates.size());
    boolean none = candidates.stream().noneMatch(usable);
    for (int i = 0; i < candidates.size(); i++) {
      int at = (place + i) % candidates.size();
      if (!failed.contains(at)
          && !hopeless.contains(at)
          && (none || usable.test(candidates.get(at)))) {
        places.add(at);
      }
    }
    return places;
  }

  Target candidate(int at) {
    return candidates.get(at);
  }

  /** The current candidate, as the catalogue has it. */
  Target candidate() {
    return candidates.get(place);
  }

  /** Asks a candidate, perhaps with another key. */
  void ask(int at, Target keyed) {
    place = at;
    target = keyed;
    asked++;
  }

  /** The current target has answered. */
  void answer(Attempt attempt) {
    made.add(attempt);
    if (answered.isEmpty()) {
      answered = List.of(target);
    } else {
      List<Target> more = new ArrayList<>(answered);
      more.add(target);
      answered = List.copyOf(more);
    }
    open = false;
  }

  /**
   * Another attempt follows the one that has failed, so its cost is no longer that of the turn but
   * one on top.
   */
  void goOn() {
    BigDecimal cost = made.getLast().cost();
    if (cost != null) {
      lostCost = lostCost.add(cost);
    }
  }

  /** The last answer does not count: it was not complete. */
  void withdraw() {
    made.removeLast();
    answered = answered.subList(0, answered.size() - 1);
    open = true;
  }

  void fail(Attempt attempt, ApiError error) {
    made.add(attempt);
    lastError = error;
  }

  /** The current candidate is not asked again in this round. */
  void pass(Instant readyAt) {
    failed.add(place);
    if (readyAt != null) {
      ready.put(place, readyAt);
    }
  }

  /** The current candidate is not asked again in this turn. */
  void giveUp() {
    hopeless.add(place);
  }

  /** Goes on with other candidates. */
  void replace(List<Target> others) {
    candidates = others;
    place = 0;
    failed.clear();
    hopeless.clear();
    ready.clear();
  }

  /** Whether the candidates are these. */
  boolean are(List<Target> others) {
    return candidates.equals(others);
  }

  /** The time at which the first candidate is ready again; null when none is left. */
  Instant soonest(Instant now) {
    Instant soonest = null;
    for (int i = 0; i < candidates.size(); i++) {
      if (!hopeless.contains(i)) {
        Instant at = ready.getOrDefault(i, now);
        soonest = soonest == null || at.isBefore(soonest) ? at : soonest;
      }
    }
    return soonest;
  }

  void nextRound() {
    round++;
    failed.clear();
    place = 0;
  }

  /** No attempt follows. */
  void end() {
    open = false;
  }
}
