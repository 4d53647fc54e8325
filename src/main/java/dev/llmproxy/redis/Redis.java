package dev.llmproxy.redis;

import dev.llmproxy.base.Settings;
import io.github.bucket4j.BucketExceptions;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Redis that several servers share, with one connection for all that ask it. Whoever asks says
 * what happens without Redis. Lettuce renews a connection by itself after it was established once.
 * Thread-safe.
 */
public final class Redis implements AutoCloseable {
  /** All keys in Redis begin so. */
  public static final String PREFIX = "llmproxy:";

  private static final Logger LOG = LoggerFactory.getLogger(Redis.class);
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  // After a failure, Redis is not asked for so long: requests do not wait for it one by one.
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final RedisClient client;
  private final LongSupplier nanos;
  private final String consequence;
  private volatile StatefulRedisConnection<String, byte[]> connection;
  private StatefulRedisPubSubConnection<String, String> listening;
  private volatile boolean down;
  private volatile long pauseEnds;

  /**
   * Connects. A Redis that cannot be reached is tried again later.
   *
   * @param url redis:// or rediss:// for TLS; the messages do not repeat it, because it may have a
   *     password
   * @param nanos a monotonic clock
   * @param consequence what happens while Redis does not answer, for the log
   * @throws Settings.SettingException when the address is invalid
   */
  public Redis(String url, LongSupplier nanos, String consequence) {
    this.nanos = nanos;
    this.consequence = consequence;
    client = RedisClient.create(uri(url));
    client.setOptions(
        ClientOptions.builder()
            .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
            .socketOptions(SocketOptions.builder().connectTimeout(PATIENCE).build())
            .timeoutOptions(TimeoutOptions.enabled(PATIENCE))
            .build());
    ask(() -> commands().ping(), () -> null);
  }

  private static RedisURI uri(String url) {
    try {
      return RedisURI.create(url);
    } catch (IllegalArgumentException e) {
      throw new Settings.SettingException(
          "REDIS_URL must be an address such as redis://:password@host:6379/0 or rediss://host:6380");
    }
  }

  /**
   * The connection. Call it within {@link #ask}.
   *
   * @throws RedisException when Redis cannot be reached
   */
  public StatefulRedisConnection<String, byte[]> connection() {
    StatefulRedisConnection<String, byte[]> now = connection;
    return now == null ? connect() : now;
  }

  /** The blocking commands of {@link #connection}. */
  public RedisCommands<String, byte[]> commands() {
    return connection().sync();
  }

  private synchronized StatefulRedisConnection<String, byte[]> connect() {
    if (connection == null) {
      connection = client.connect(RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE));
    }
    return connection;
  }

  /** Asks Redis, at most for some seconds, or does without it. */
  public <T> T ask(Supplier<T> redis, Supplier<T> without) {
    if (!down || nanos.getAsLong() - pauseEnds >= 0) {
      try {
        T answer = redis.get();
        if (down) {
          down = false;
          LOG.info("Redis answers again: limits are counted there.");
        }
        return answer;
      } catch (RedisException | BucketExceptions.BucketExecutionException e) {
        pauseEnds = nanos.getAsLong() + PAUSE.toNanos();
        if (!down) {
          down = true;
          LOG.warn("Redis does not answer ({}): {}", reason(e), consequence);
        }
      }
    }
    return without.get();
  }

  /** Whether Redis did not answer the last time. */
  public boolean down() {
    return down;
  }

  /**
   * Calls a listener, on a thread of its own, with each message of a channel. Does nothing the
   * second time.
   *
   * @return false when Redis cannot be reached now; then call this again
   */
  public synchronized boolean listen(String channel, Consumer<String> listener) {
    if (listening == null) {
      listening =
          ask(
              () -> {
                StatefulRedisPubSubConnection<String, String> fresh =
                    client.connectPubSub(StringCodec.UTF8);
                fresh.addListener(
                    new RedisPubSubAdapter<>() {
                      @Override
                      public void message(String from, String message) {
                        Thread.ofVirtual()
                            .name("redis-message")
                            .start(() -> listener.accept(message));
                      }
                    });
                try {
                  fresh.sync().subscribe(channel);
                } catch (RedisException e) {
                  fresh.close();
                  throw e;
                }
                return fresh;
              },
              () -> null);
    }
    return listening != null;
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
  public synchronized void close() {
    if (listening != null) {
      listening.close();
    }
    if (connection != null) {
      connection.close();
    }
    client.shutdown(Duration.ZERO, PATIENCE);
  }
}
