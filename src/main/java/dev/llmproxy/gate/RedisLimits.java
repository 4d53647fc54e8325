package dev.llmproxy.gate;

import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.redis.Redis;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.EstimationProbe;
import io.github.bucket4j.TimeMeter;
import io.github.bucket4j.distributed.BucketProxy;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.proxy.ProxyManager;
import io.github.bucket4j.redis.lettuce.Bucket4jLettuce;
import io.lettuce.core.ScriptOutputType;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Counts in Redis, so that all servers with the same {@code REDIS_URL} share the limits. While
 * Redis cannot be used, this server counts in its own memory, or refuses what has a limit, as
 * {@code LIMITS_WITHOUT_REDIS} says.
 */
public final class RedisLimits implements LimitStore {
  private static final String PREFIX = Redis.PREFIX;
  // For a change of a bucket, which is tried again when another server has changed it meanwhile.
  private static final Duration LONGEST_CHANGE = Duration.ofSeconds(5);
  private static final int LOCKS = 256;

  /** The kind of the buckets of money. */
  static final String BUDGET = "budget";

  private static final Duration KEPT = Duration.ofSeconds(10);
  private static final Duration LEASE = Duration.ofSeconds(30);

  private static final String NOW =
      "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) ";
  // A place is a member of a sorted set, with the end of its lease as the score.
  private static final String ENTER =
      NOW
          + "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)"
          + " if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end"
          + " redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])"
          + " redis.call('PEXPIRE', KEYS[1], ARGV[3]) return 1";
  private static final String RENEW =
      NOW
          + "redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], ARGV[1])"
          + " redis.call('PEXPIRE', KEYS[1], ARGV[2]) return 1";

  private final Redis redis;
  private final boolean owned;
  private final RedisReservations reservations;
  private volatile ProxyManager<String> manager;
  private final LimitStore memory;
  private final boolean open;
  private final Map<String, String> leases = new ConcurrentHashMap<>();
  private final ScheduledExecutorService renewal =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("limit-leases").factory());
  private final Duration lease;

  /**
   * Connects. A Redis that cannot be reached is tried again later.
   *
   * @param clock for the pause after a failure
   * @throws Settings.SettingException when REDIS_URL is invalid
   */
  public RedisLimits(LimitSettings settings, TimeMeter clock) {
    this(settings, clock, LEASE);
  }

  /**
   * @param lease the time after which the places of a server that has died are free
   */
  RedisLimits(LimitSettings settings, TimeMeter clock, Duration lease) {
    this(connect(settings, clock), true, settings, clock, lease, null, null);
  }

  /**
   * Counts in a Redis that others use too.
   *
   * @param ledger tells what the requests of a server that has died have cost
   */
  public RedisLimits(Redis redis, LimitSettings settings, TimeMeter clock, Ledger ledger) {
    this(redis, false, settings, clock, LEASE, ledger.server(), ledger::end);
  }

  /**
   * @param owned whether the connection ends with this
   * @param server this server's name among those that share the ledger; null: reservations of money
   *     stay until the month ends when this server dies
   */
  RedisLimits(
      Redis redis,
      boolean owned,
      LimitSettings settings,
      TimeMeter clock,
      Duration lease,
      String server,
      RedisReservations.Ends ends) {
    this.redis = redis;
    this.owned = owned;
    this.lease = lease;
    open = settings.openWithoutRedis();
    memory = LimitStore.inMemory(clock);
    reservations =
        server == null
            ? null
            : new RedisReservations(redis, server, lease, ends, this::giveBackShared);
    long millis = lease.toMillis() / 3;
    // renew never throws, so nothing is lost with the future.
    ScheduledFuture<?> unused =
        renewal.scheduleWithFixedDelay(this::renew, 0, millis, TimeUnit.MILLISECONDS);
  }

  /** Connects to the Redis of the settings. */
  public static Redis connect(LimitSettings settings, TimeMeter clock) {
    return new Redis(
        settings.redisUrl().orElseThrow(),
        clock::currentTimeNanos,
        settings.openWithoutRedis()
            ? "this server counts limits alone"
            : "requests with a limit are refused (503)");
  }

  private ProxyManager<String> manager() {
    ProxyManager<String> now = manager;
    return now == null ? newManager() : now;
  }

  private synchronized ProxyManager<String> newManager() {
    if (manager == null) {
      manager =
          Bucket4jLettuce.casBasedBuilder(redis.connection())
              .expirationAfterWrite(
                  ExpirationAfterWriteStrategy.basedOnTimeForRefillingBucketUpToMax(KEPT))
              .requestTimeout(LONGEST_CHANGE)
              .build();
    }
    return manager;
  }

  @Override
  public Buckets buckets(String kind, Duration window) {
    return new RedisBuckets(kind, window, memory.buckets(kind, window));
  }

  @Override
  public Places places() {
    return new RedisPlaces(memory.places());
  }

  @Override
  public String state() {
    return redis.down()
        ? (open ? "redis is down: this server counts alone" : "redis is down")
        : "redis";
  }

  @Override
  public void close() {
    renewal.shutdownNow();
    if (owned) {
      redis.close();
    }
  }

  private <T> T ask(Supplier<T> asked, Supplier<T> without) {
    return redis.ask(asked, without);
  }

  private <T> Supplier<T> without(Supplier<T> inMemory) {
    return open
        ? inMemory
        : () -> {
          throw OpenAiErrors.unavailable("Limits cannot be checked right now. Try again shortly.")
              .asException();
        };
  }

  @Override
  public Reservations reservations() {
    return reservations == null ? Reservations.NONE : reservations;
  }

  /** Gives an amount back to a bucket that this server may not know. */
  private void giveBackShared(String name, long amount) {
    String key = PREFIX + BUDGET + ":" + name;
    manager()
        .getProxyConfiguration(key)
        .ifPresent(
            configuration -> manager().builder().build(key, () -> configuration).addTokens(amount));
  }

  private void renew() {
    if (reservations != null) {
      reservations.keepUp();
    }
    leases.forEach((member, key) ->
        ask(
            () ->
                redis
                    .commands()
                    .eval(
                        RENEW,
                        ScriptOutputType.INTEGER,
                        new String[] {key},
                        bytes(member),
                        millis()),
            () -> null));
  }

  private byte[] millis() {
    return bytes(Long.toString(lease.toMillis()));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private final class RedisBuckets implements Buckets {
    private final String prefix;
    private final Duration window;
    private final Buckets memory;

    /** The limit with which this server has used a name last. */
    private final Map<String, Long> limits = new ConcurrentHashMap<>();

    /** The requests of this server change a bucket one after the other, so that few try again. */
    private final Lock[] locks = new Lock[LOCKS];

    RedisBuckets(String kind, Duration window, Buckets memory) {
      prefix = PREFIX + kind + ":";
      this.window = window;
      this.memory = memory;
      Arrays.setAll(locks, i -> new ReentrantLock());
    }

    private <T> Supplier<T> inTurn(String name, Supplier<T> change) {
      return () -> {
        Lock lock = locks[Math.floorMod(name.hashCode(), LOCKS)];
        lock.lock();
        try {
          return change.get();
        } finally {
          lock.unlock();
        }
      };
    }

    @Override
    public Allowance take(String name, long limit, long amount, LongSupplier before) {
      if (limit == 0) {
        return memory.take(name, limit, amount, before);
      }
      return ask(
          inTurn(
              name,
              () -> {
                ConsumptionProbe probe =
                    bucket(name, limit, before).tryConsumeAndReturnRemaining(amount);
                return new Allowance(
                    probe.isConsumed(),
                    limit,
                    Math.max(0, probe.getRemainingTokens()),
                    Duration.ofNanos(probe.getNanosToWaitForRefill()),
                    Duration.ofNanos(probe.getNanosToWaitForReset()));
              }),
          without(() -> memory.take(name, limit, amount, before)));
    }

    @Override
    public Allowance look(String name, long limit, long amount, LongSupplier before) {
      if (limit == 0) {
        return memory.look(name, limit, amount, before);
      }
      return ask(
          () -> {
            BucketProxy bucket = bucket(name, limit, before);
            EstimationProbe probe = bucket.estimateAbilityToConsume(Math.min(amount, limit));
            return new Allowance(
                probe.canBeConsumed(),
                limit,
                Math.clamp(probe.getRemainingTokens(), 0, limit),
                Duration.ofNanos(probe.getNanosToWaitForRefill()),
                Duration.ofNanos(bucket.estimateAbilityToConsume(limit).getNanosToWaitForRefill()));
          },
          without(() -> memory.look(name, limit, amount, before)));
    }

    @Override
    public void charge(String name, long amount) {
      Long limit = limits.get(name);
      if (amount > 0) {
        settle(
            name,
            limit,
            () -> bucket(name, limit, () -> 0).consumeIgnoringRateLimits(amount),
            () -> memory.charge(name, amount));
      }
    }

    @Override
    public void giveBack(String name, long amount) {
      Long limit = limits.get(name);
      if (amount > 0) {
        settle(
            name,
            limit,
            () -> bucket(name, limit, () -> 0).addTokens(amount),
            () -> memory.giveBack(name, amount));
      }
    }

    /** Never fails: the request has been served. */
    private void settle(String name, Long limit, Runnable shared, Runnable inMemory) {
      if (limit == null) {
        inMemory.run();
        return;
      }
      ask(
          inTurn(
              name,
              () -> {
                shared.run();
                return null;
              }),
          () -> {
            inMemory.run();
            return null;
          });
    }

    @Override
    public void forget(String name) {
      memory.forget(name);
      if (limits.remove(name) != null) {
        ask(
            () -> {
              manager().removeProxy(prefix + name);
              return null;
            },
            () -> null);
      }
    }

    @Override
    public int size() {
      return limits.size() + memory.size();
    }

    private BucketProxy bucket(String name, long limit, LongSupplier before) {
      String key = prefix + name;
      BucketProxy bucket =
          manager().builder().build(key, () -> configuration(limit, before.getAsLong()));
      Long known = limits.put(name, limit);
      if (known == null || known != limit) {
        // Another server may have changed the limit, or have begun with another one.
        manager()
            .getProxyConfiguration(key)
            .map(now -> now.getBandwidths()[0].getCapacity())
            .filter(capacity -> capacity != limit)
            .ifPresent(capacity -> MemoryBuckets.change(bucket, capacity, limit, window));
      }
      return bucket;
    }

    private BucketConfiguration configuration(long limit, long before) {
      Bandwidth bandwidth = MemoryBuckets.bandwidth(limit, Math.max(0, limit - before), window);
      return BucketConfiguration.builder().addLimit(bandwidth).build();
    }
  }

  private final class RedisPlaces implements Places {
    private final Places memory;
    private final Set<String> inMemory = ConcurrentHashMap.newKeySet();

    RedisPlaces(Places memory) {
      this.memory = memory;
    }

    @Override
    public boolean enter(String account, long most, String requestId) {
      String key = key(account);
      return ask(
          () -> {
            Long entered =
                redis
                    .commands()
                    .eval(
                        ENTER,
                        ScriptOutputType.INTEGER,
                        new String[] {key},
                        bytes(requestId),
                        bytes(Long.toString(most)),
                        millis());
            if (entered == 1) {
              leases.put(requestId, key);
            }
            return entered == 1;
          },
          without(() -> {
            boolean entered = memory.enter(account, most, requestId);
            if (entered) {
              inMemory.add(requestId);
            }
            return entered;
          }));
    }

    @Override
    public void leave(String account, String requestId) {
      if (inMemory.remove(requestId)) {
        memory.leave(account, requestId);
      } else if (leases.remove(requestId) != null) {
        // If Redis does not answer, the lease ends.
        ask(() -> redis.commands().zrem(key(account), bytes(requestId)), () -> null);
      }
    }

    @Override
    public long taken() {
      return leases.size() + memory.taken();
    }

    private static String key(String account) {
      return PREFIX + "places:" + account;
    }
  }
}
