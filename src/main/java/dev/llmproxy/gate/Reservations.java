package dev.llmproxy.gate;

/**
 * What requests under way have reserved of budgets, so that the reservations of a server that dies
 * can be given back.
 */
interface Reservations {
  /** For budgets that end with this server. */
  Reservations NONE =
      new Reservations() {
        @Override
        public void took(String requestId, String name, long amount) {}

        @Override
        public boolean ended(String requestId, String name) {
          return true;
        }
      };

  /**
   * A request has reserved an amount, or more of it.
   *
   * @param name of the bucket
   */
  void took(String requestId, String name, long amount);

  /**
   * A request ends, and what it has reserved is about to be settled.
   *
   * @return false when nothing is reserved any more: the store has lost it, or another server has
   *     given it back because this one seemed to be dead
   */
  boolean ended(String requestId, String name);
}
