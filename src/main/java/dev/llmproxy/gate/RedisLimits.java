package dev.llmproxy.gate;

import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.OpenAiErrors;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.BucketExceptions;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.EstimationProbe;
import io.github.bucket4j.TimeMeter;
import io.github.bucket4j.distributed.BucketProxy;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.proxy.ProxyManager;
import io.github.bucket4j.redis.lettuce.Bucket4jLettuce;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts in Redis, so that all servers with the same {@code REDIS_URL} share the limits. While
 * Redis cannot be used, this server counts in its own memory, or refuses what has a limit, as
 * {@code LIMITS_WITHOUT_REDIS} says.
 */
public final class RedisLimits implements LimitStore {
  private static final Logger LOG = LoggerFactory.getLogger(RedisLimits.class);
  private static final String PREFIX = "llmproxy:";
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  // For a change of a bucket, which is tried again when another server has changed it meanwhile.
  private static final Duration LONGEST_CHANGE = Duration.ofSeconds(5);
  private static final int LOCKS = 256;
  // After a failure, Redis is not asked for so long: requests do not wait for it one by one.
  private static final Duration PAUSE = Duration.ofSeconds(1);
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

  private final RedisClient client;
  private volatile Link link;
  private final LimitStore memory;
  private final boolean open;
  private final TimeMeter clock;
  private final Map<String, String> leases = new ConcurrentHashMap<>();
  private final ScheduledExecutorService renewal =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("limit-leases").factory());
  private final Duration lease;
  private volatile boolean down;
  private volatile long pauseEnds;

  /** The connection, which Lettuce renews by itself after it was established once. */
  private record Link(
      StatefulRedisConnection<String, byte[]> connection, ProxyManager<String> manager) {}

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
    this.clock = clock;
    this.lease = lease;
    open = settings.openWithoutRedis();
    memory = LimitStore.inMemory(clock);
    client = RedisClient.create(uri(settings.redisUrl().orElseThrow()));
    client.setOptions(
        ClientOptions.builder()
            .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
            .socketOptions(SocketOptions.builder().connectTimeout(PATIENCE).build())
            .timeoutOptions(TimeoutOptions.enabled(PATIENCE))
            .build());
    ask(() -> link().connection().sync().ping(), () -> null);
    long millis = lease.toMillis() / 3;
    // renew never throws, so nothing is lost with the future.
    ScheduledFuture<?> unused =
        renewal.scheduleWithFixedDelay(this::renew, millis, millis, TimeUnit.MILLISECONDS);
  }

  private Link link() {
    Link now = link;
    return now == null ? connect() : now;
  }

  private synchronized Link connect() {
    if (link == null) {
      StatefulRedisConnection<String, byte[]> connection =
          client.connect(RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE));
      link =
          new Link(
              connection,
              Bucket4jLettuce.casBasedBuilder(connection)
                  .expirationAfterWrite(
                      ExpirationAfterWriteStrategy.basedOnTimeForRefillingBucketUpToMax(KEPT))
                  .requestTimeout(LONGEST_CHANGE)
                  .build());
    }
    return link;
  }

  private static RedisURI uri(String url) {
    try {
      return RedisURI.create(url);
    } catch (IllegalArgumentException e) {
      throw new Settings.SettingException(
          "REDIS_URL must be an address such as redis://:password@host:6379/0 or rediss://host:6380");
    }
  }

  /** Does not contain the address, which may have a password. */
  private static String reason(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.getClass().getSimpleName();
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
    return down ? (open ? "redis is down: this server counts alone" : "redis is down") : "redis";
  }

  @Override
  public void close() {
    renewal.shutdownNow();
    Link now = link;
    if (now != null) {
      now.connection().close();
    }
    client.shutdown(Duration.ZERO, PATIENCE);
  }

  /** Asks Redis, or does without it. */
  private <T> T ask(Supplier<T> redis, Supplier<T> without) {
    if (!down || clock.currentTimeNanos() - pauseEnds >= 0) {
      try {
        T answer = redis.get();
        if (down) {
          down = false;
          LOG.info("Redis answers again: limits are counted there.");
        }
        return answer;
      } catch (RedisException | BucketExceptions.BucketExecutionException e) {
        pauseEnds = clock.currentTimeNanos() + PAUSE.toNanos();
        if (!down) {
          down = true;
          LOG.warn(
              "Redis does not answer ({}): {}",
              reason(e),
              open ? "this server counts limits alone" : "requests with a limit are refused (503)");
        }
      }
    }
    return without.get();
  }

  private <T> Supplier<T> without(Supplier<T> inMemory) {
    return open
        ? inMemory
        : () -> {
          throw OpenAiErrors.unavailable("Limits cannot be checked right now. Try again shortly.")
              .asException();
        };
  }

  private void renew() {
    leases.forEach((member, key) ->
        ask(
            () ->
                link()
                    .connection()
                    .sync()
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
    private void settle(String name, Long limit, Runnable redis, Runnable inMemory) {
      if (limit == null) {
        inMemory.run();
        return;
      }
      ask(
          inTurn(
              name,
              () -> {
                redis.run();
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
              link().manager().removeProxy(prefix + name);
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
          link().manager().builder().build(key, () -> configuration(limit, before.getAsLong()));
      Long known = limits.put(name, limit);
      if (known == null || known != limit) {
        // Another server may have changed the limit, or have begun with another one.
        link()
            .manager()
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
                link()
                    .connection()
                    .sync()
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
        ask(() -> link().connection().sync().zrem(key(account), bytes(requestId)), () -> null);
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
