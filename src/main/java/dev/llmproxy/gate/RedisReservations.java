package dev.llmproxy.gate;

import dev.llmproxy.ledger.RequestEnd;
import dev.llmproxy.redis.Redis;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ObjLongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reservations of money in Redis. Each server has a hash with one field for each request and
 * bucket, and a key that ends when the server dies. The others then give back, request by request,
 * what was reserved beyond the cost that the ledger has.
 */
final class RedisReservations implements Reservations {
  private static final Logger LOG = LoggerFactory.getLogger(RedisReservations.class);
  private static final String SERVERS = Redis.PREFIX + "servers";
  private static final String ALIVE = Redis.PREFIX + "alive:";
  private static final String RESERVED = Redis.PREFIX + "reserved:";
  private static final int PICODOLLARS = 12;
  private static final byte[] YES = {'1'};

  private final Redis redis;
  private final String server;
  private final String ledger;
  private final Duration lease;
  private final Ends ends;
  private final ObjLongConsumer<String> giveBack;

  /** The fields of requests under way here. */
  private final Set<String> noted = ConcurrentHashMap.newKeySet();

  /** What the ledger knows of a request. */
  @FunctionalInterface
  interface Ends {
    /**
     * The end of a request; empty while it runs.
     *
     * @throws dev.llmproxy.ledger.LedgerException when the ledger cannot be read
     */
    Optional<RequestEnd> of(String requestId);
  }

  /**
   * @param server the id of the ledger, a slash, and this server's name among those that share it
   * @param lease the time after which a server that has died counts as dead
   * @param giveBack gives an amount back to a bucket
   */
  RedisReservations(
      Redis redis, String server, Duration lease, Ends ends, ObjLongConsumer<String> giveBack) {
    this.redis = redis;
    this.server = server;
    this.ledger = server.substring(0, server.indexOf('/') + 1);
    this.lease = lease;
    this.ends = ends;
    this.giveBack = giveBack;
  }

  @Override
  public void took(String requestId, String name, long amount) {
    String field = field(requestId, name);
    redis.ask(
        () -> {
          redis.commands().hincrby(RESERVED + server, field, amount);
          return noted.add(field);
        },
        () -> null);
  }

  @Override
  public boolean ended(String requestId, String name) {
    String field = field(requestId, name);
    return !noted.remove(field)
        || redis.ask(() -> redis.commands().hdel(RESERVED + server, field) == 1, () -> true);
  }

  /** Says that this server lives, and settles the reservations of dead ones. */
  void keepUp() {
    try {
      redis.ask(
          () -> {
            redis.commands().psetex(ALIVE + server, lease.toMillis(), YES);
            redis.commands().sadd(SERVERS, bytes(server));
            for (byte[] member : redis.commands().smembers(SERVERS)) {
              String other = new String(member, StandardCharsets.UTF_8);
              if (other.startsWith(ledger) && redis.commands().exists(ALIVE + other) == 0) {
                settle(other);
              }
            }
            return null;
          },
          () -> null);
    } catch (RuntimeException e) {
      // The next time tries again.
      LOG.debug("Reservations of dead servers could not be settled", e);
    }
  }

  private void settle(String dead) {
    Map<String, byte[]> reserved = redis.commands().hgetall(RESERVED + dead);
    reserved.forEach((field, value) -> {
      int space = field.indexOf(' ');
      String requestId = field.substring(0, space);
      Optional<RequestEnd> end = ends.of(requestId);
      // Of several servers that settle it, one deletes the field.
      if (end.isPresent() && redis.commands().hdel(RESERVED + dead, field) == 1) {
        long amount = Long.parseLong(new String(value, StandardCharsets.UTF_8));
        long unused = Math.max(0, amount - cost(end.get(), amount));
        LOG.info(
            "The request {} of a server that has died gives back what it had reserved of a budget",
            requestId);
        if (unused > 0) {
          giveBack.accept(field.substring(space + 1), unused);
        }
      }
    });
    if (redis.commands().hlen(RESERVED + dead) == 0) {
      redis.commands().srem(SERVERS, bytes(dead));
    }
  }

  /** What has an unknown price has cost what was reserved. */
  private static long cost(RequestEnd end, long reserved) {
    BigDecimal cost = end.cost();
    return cost == null
        ? reserved
        : cost.setScale(PICODOLLARS, RoundingMode.HALF_EVEN).unscaledValue().longValueExact();
  }

  private static String field(String requestId, String name) {
    return requestId + " " + name;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
