package dev.llmproxy.gate;

import java.util.function.LongSupplier;

/**
 * Counts for each name what is used in a window of time, exactly. A name's window begins with its
 * first use.
 */
interface Buckets {
  /**
   * Counts an amount if it is within the limit.
   *
   * @param limit at least 0; when it changes, what was counted in this window still counts
   */
  default Allowance take(String name, long limit, long amount) {
    return take(name, limit, amount, () -> 0);
  }

  /**
   * As {@link #take(String, long, long)}.
   *
   * @param before what was used in this window before the count began
   */
  Allowance take(String name, long limit, long amount, LongSupplier before);

  /** The state of a limit for an amount that is not counted. */
  default Allowance look(String name, long limit, long amount) {
    return look(name, limit, amount, () -> 0);
  }

  /**
   * As {@link #look(String, long, long)}.
   *
   * @param before what was used in this window before the count began
   */
  Allowance look(String name, long limit, long amount, LongSupplier before);

  /** Counts an amount even beyond the limit; what is beyond it is missing in the next window. */
  void charge(String name, long amount);

  /** Gives back an amount that was taken in the present window. */
  void giveBack(String name, long amount);

  /** Forgets what was counted for a name. */
  void forget(String name);

  /** Number of names that this server has in memory. */
  int size();
}
