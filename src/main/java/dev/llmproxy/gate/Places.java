package dev.llmproxy.gate;

/** The requests under way of each account. */
interface Places {
  /**
   * Takes a place.
   *
   * @param most the most places of the account
   * @param requestId the request that takes it
   * @return false when there is none
   */
  boolean enter(String account, long most, String requestId);

  /** Gives a place back. */
  void leave(String account, String requestId);

  /** The number of places that requests of this server have. */
  long taken();
}
