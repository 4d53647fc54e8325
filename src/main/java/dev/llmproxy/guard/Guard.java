package dev.llmproxy.guard;

import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.AllowedModels;
import java.time.Duration;
import java.util.Collection;
import java.util.OptionalInt;
import java.util.Set;
import org.apache.camel.Endpoint;

/**
 * A guard: a route {@code guard-<name>} with the declaration of its first step.
 *
 * @param name the route's id without {@code guard-}
 * @param endpoint where its route begins
 * @param checks what it checks
 * @param order guards run in ascending order
 * @param open whether content passes when the guard fails
 * @param longest the time limit for one check
 * @param window the characters of an answer that the guard needs at once; empty for the whole
 *     answer
 * @param tiers the tiers that it is for; empty for all
 * @param models the models that it is for; null for all
 * @param ownKeyHash the hash of the API key with which it sends requests itself; empty for none
 */
record Guard(
    String name,
    Endpoint endpoint,
    Set<Place> checks,
    int order,
    boolean open,
    Duration longest,
    OptionalInt window,
    Set<String> tiers,
    AllowedModels models,
    String ownKeyHash) {

  /** What a guard checks. */
  enum Place {
    PROMPT,
    ANSWER;

    /** The name in declarations and in the property {@code place}. */
    String word() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /**
   * Whether the guard is for a request.
   *
   * @param names the model as asked, and the models that may answer
   */
  boolean isFor(Place place, Caller caller, Collection<String> names) {
    return checks.contains(place)
        && (tiers.isEmpty() || tiers.contains(caller.tier()))
        && (models == null || names.stream().anyMatch(models::allow));
  }

  /** Whether a request is the guard's own. No guard checks it: it would never end. */
  boolean sends(Caller caller) {
    return !ownKeyHash.isEmpty() && ownKeyHash.equals(caller.keyHash());
  }

  static String hash(String key) {
    return key.isEmpty() ? "" : Sha256.hex(key);
  }
}
