package dev.llmproxy.call;

/** What a request has reserved of its caller's limits. Only the request's thread uses it. */
public interface Reservation {
  /**
   * Reserves the money for another turn.
   *
   * @return false when the budget does not cover it, or its price is unknown; then nothing is
   *     reserved
   */
  boolean coversNextTurn(Call call);
}
