package dev.llmproxy.chat;

import dev.llmproxy.call.Caller;
import dev.llmproxy.redis.Redis;
import io.lettuce.core.GetExArgs;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A memory in Redis for all servers. Each text is sealed for its caller: nobody else, and nobody
 * who reads Redis, can read it. It is forgotten some time after its last use. While Redis does not
 * answer nothing is stored or found, and no request fails.
 */
public final class SealedMemory {
  private static final Logger LOG = LoggerFactory.getLogger(SealedMemory.class);

  /** A larger text is only in the memory of the server that has made it. */
  private static final int LONGEST = 8 << 20;

  private static final byte[] FORGOTTEN = {};

  private final Redis redis;
  private final ReasoningSeal seal;
  private final String kind;
  private final Duration life;

  /**
   * @param seal with the secret of all servers
   * @param kind tells the texts of one memory from those of others
   * @param life time after the last use, above zero
   */
  public SealedMemory(Redis redis, ReasoningSeal seal, String kind, Duration life) {
    this.redis = redis;
    this.seal = seal;
    this.kind = kind;
    this.life = life;
  }

  /** Stores a text; returns when every server finds it. */
  public void keep(Caller caller, String key, String text) {
    if (text.length() > LONGEST) {
      LOG.debug("A text of {} characters is too long for the memory in Redis", text.length());
      return;
    }
    byte[] sealed = ascii(seal.seal(caller, scope(caller, key), text));
    redis.ask(() -> redis.commands().psetex(name(key), life.toMillis(), sealed), () -> null);
  }

  /** The caller's text; null when there is none, and empty after {@link #forget}. */
  public String find(Caller caller, String key) {
    return opened(
        caller,
        key,
        redis.ask(() -> redis.commands().getex(name(key), GetExArgs.Builder.px(life)), () -> null));
  }

  /** The caller's texts in the order of their keys, with null for each that there is not. */
  public List<String> findAll(Caller caller, List<String> keys) {
    String[] names = keys.stream().map(this::name).toArray(String[]::new);
    List<String> texts = new ArrayList<>();
    redis.ask(
        () -> {
          var found = redis.commands().mget(names);
          for (int i = 0; i < names.length; i++) {
            texts.add(opened(caller, keys.get(i), found.get(i).getValueOrElse(null)));
          }
          return null;
        },
        () -> null);
    while (texts.size() < names.length) {
      texts.add(null);
    }
    return texts;
  }

  /** Whether Redis does not answer, so that a text that was not found may be there. */
  public boolean down() {
    return redis.down();
  }

  /** No server finds the text any more. */
  public void forget(String key) {
    redis.ask(() -> redis.commands().psetex(name(key), life.toMillis(), FORGOTTEN), () -> null);
  }

  private String opened(Caller caller, String key, byte[] sealed) {
    if (sealed == null || sealed.length == 0) {
      return sealed == null ? null : "";
    }
    return seal.open(caller, scope(caller, key), new String(sealed, StandardCharsets.US_ASCII))
        .orElse(null);
  }

  private String name(String key) {
    return Redis.PREFIX + kind + ":" + key;
  }

  private String scope(Caller caller, String key) {
    return kind + "\n" + caller.account() + "\n" + key;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
