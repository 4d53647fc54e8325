package dev.llmproxy.monitoring;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The values of a label that strangers can choose. The first ones have their own value, all others
 * share one, so that nobody can fill the memory of this server and of those that scrape it.
 */
final class BoundedNames {
  /** The value of all names beyond the limit. */
  static final String OTHER = "other";

  private final int most;
  private final Set<String> names = ConcurrentHashMap.newKeySet();

  /**
   * @param most names with a value of their own; with threads at the same time it may be a few more
   */
  BoundedNames(int most) {
    this.most = most;
  }

  /** The label's value for a name. */
  String of(String name) {
    return has(name) ? name : OTHER;
  }

  /** Whether a name has its own value; gives it one while there is room. */
  boolean has(String name) {
    return names.contains(name) || (names.size() < most && names.add(name));
  }

  /** Whether a name has its own value already. */
  boolean knows(String name) {
    return names.contains(name);
  }
}
