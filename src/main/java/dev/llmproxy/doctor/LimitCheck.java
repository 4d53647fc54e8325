package dev.llmproxy.doctor;

import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.gate.RedisLimits;
import io.github.bucket4j.TimeMeter;
import java.util.List;

/** Checks the Redis in which limits are counted. */
final class LimitCheck {
  private static final String CHECK = "limits";

  private final Settings settings;

  LimitCheck(Settings settings) {
    this.settings = settings;
  }

  /** No findings without REDIS_URL. */
  List<Finding> run() {
    LimitSettings limits = LimitSettings.of(settings);
    if (limits.redisUrl().isEmpty()) {
      return List.of();
    }
    try (RedisLimits redis = new RedisLimits(limits, TimeMeter.SYSTEM_NANOTIME)) {
      return List.of(
          redis.state().equals("redis")
              ? Finding.ok(CHECK, "Redis answers")
              : Finding.problem(
                  CHECK, "the Redis of REDIS_URL cannot be used", "Check REDIS_URL and Redis"));
    }
  }
}
