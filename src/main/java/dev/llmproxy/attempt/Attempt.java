package dev.llmproxy.attempt;

import java.math.BigDecimal;
import java.time.Duration;

/**
 * One attempt to answer a turn of a request, which has ended or has begun to answer.
 *
 * @param turn the turn, from 1
 * @param model the model that was asked: {@code provider/model}
 * @param outcome {@link #ANSWERED}, or the code of the error that ended it
 * @param status the provider's HTTP status; 200 when it answered, 0 when it sent none
 * @param duration until the first content of the answer, or until the failure
 * @param cost in US dollars; null when it is unknown. The cost of an answer is only known at the
 *     end of the request
 */
public record Attempt(
    int turn, String model, String outcome, int status, Duration duration, BigDecimal cost) {
  /** The outcome of an attempt that gave the turn's answer. */
  public static final String ANSWERED = "answered";

  /** Whether the attempt gave the turn's answer. */
  public boolean answered() {
    return outcome.equals(ANSWERED);
  }

  /** This attempt with another cost. */
  Attempt costing(BigDecimal dollars) {
    return new Attempt(turn, model, outcome, status, duration, dollars);
  }

  /** For people: the model, and the status or the error's code. */
  @Override
  public String toString() {
    return model + " " + (answered() ? outcome : status == 0 ? outcome : status + " " + outcome);
  }
}
