package dev.llmproxy.keys;

import dev.llmproxy.redis.Redis;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Revoked keys in Redis, until the sheet has them. A server that revokes a key stores its hash
 * there and sends it to all other servers, which then refuse the key at once, each from its own
 * folder of revoked keys. A server that was away reads the stored hashes. The sheet stays the
 * truth: a server whose reading of the sheet rejects the key deletes its hash. Used by the route
 * keys-revoked and the threads of messages.
 */
public final class SharedRevocations {
  private static final String REVOKED = Redis.PREFIX + "revoked-keys";
  private static final Duration BETWEEN_READINGS = Duration.ofSeconds(10);
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");

  private final Redis redis;
  private final RevokedKeys here;
  private final Clock steady;
  private final Set<String> told = ConcurrentHashMap.newKeySet();
  private volatile boolean listens;
  private Instant readAgain = Instant.MIN;

  /**
   * @param here this server's own revoked keys
   * @param steady a monotonic clock
   */
  public SharedRevocations(Redis redis, RevokedKeys here, Clock steady) {
    this.redis = redis;
    this.here = here;
    this.steady = steady;
  }

  /**
   * Tells the other servers the keys that are revoked here, each once, and reads from time to time
   * those that are revoked elsewhere. Does nothing while Redis does not answer; the next call
   * continues.
   *
   * @param changed called after keys were added to this server's own
   */
  void exchange(Set<String> revoked, Runnable changed) {
    told.retainAll(revoked);
    for (String hash : revoked) {
      if (!told.contains(hash) && tell(hash)) {
        told.add(hash);
      }
    }
    if (!listens) {
      listens = redis.listen(REVOKED, hash -> add(Set.of(hash), changed));
    }
    if (dueToRead()) {
      Set<String> elsewhere =
          redis.ask(() -> redis.commands().smembers(REVOKED), Set::<byte[]>of).stream()
              .map(hash -> new String(hash, StandardCharsets.US_ASCII))
              .filter(hash -> !revoked.contains(hash))
              .collect(Collectors.toUnmodifiableSet());
      add(elsewhere, changed);
    }
  }

  private synchronized boolean dueToRead() {
    boolean due = !steady.instant().isBefore(readAgain);
    if (due) {
      readAgain = steady.instant().plus(BETWEEN_READINGS);
    }
    return due;
  }

  /** The sheet rejects the key now. */
  void withdraw(String hash) {
    redis.ask(() -> redis.commands().srem(REVOKED, bytes(hash)), () -> null);
  }

  private boolean tell(String hash) {
    return redis.ask(
        () -> {
          if (redis.commands().sadd(REVOKED, bytes(hash)) == 1) {
            redis.commands().publish(REVOKED, bytes(hash));
          }
          return true;
        },
        () -> false);
  }

  private void add(Set<String> hashes, Runnable changed) {
    boolean added = false;
    for (String hash : hashes) {
      if (HASH.matcher(hash).matches()) {
        here.add(hash);
        // The message that brought it has told the others.
        told.add(hash);
        added = true;
      }
    }
    if (added) {
      changed.run();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
