package dev.llmproxy.attempt;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.llmproxy.catalogue.Target;
import java.time.Clock;
import java.time.Instant;

/**
 * Which keys of providers cool down: after a 401, 402 or 429 a provider's other keys are used for a
 * time. A rate limit is one of a model, the others are of all models. The first key that does not
 * cool down is used, because providers' prompt caches belong to a key. Thread-safe.
 */
public final class ProviderKeys {
  private static final int MOST_COOLING = 10_000;
  private static final String ALL_MODELS = "";

  private final Clock clock;
  private final Cache<Key, Instant> cooling =
      Caffeine.newBuilder().maximumSize(MOST_COOLING).build();

  /**
   * @param number the key's place among the provider's keys
   * @param model the provider's name of the model; empty for all models
   */
  private record Key(String provider, int number, String model) {}

  /**
   * @param clock a clock that only goes forward
   */
  public ProviderKeys(Clock clock) {
    this.clock = clock;
  }

  /** The target with the first key that does not cool down; null when all do. */
  Target free(Target target) {
    if (cooling.estimatedSize() == 0) {
      return target;
    }
    Instant now = clock.instant();
    int keys = target.provider().spares().size() + 1;
    for (int number = 0; number < keys; number++) {
      if (!now.isBefore(readyAt(target, number))) {
        return with(target, number);
      }
    }
    return null;
  }

  /** The target with the key that is ready first. */
  Target soonest(Target target) {
    int best = 0;
    for (int number = 1; number <= target.provider().spares().size(); number++) {
      if (readyAt(target, number).isBefore(readyAt(target, best))) {
        best = number;
      }
    }
    return with(target, best);
  }

  /**
   * Lets a key cool down.
   *
   * @param target the target as the catalogue has it
   * @param used the target with the key
   * @param allModels whether the key cools down for all models
   */
  void cool(Target target, Target used, boolean allModels, Instant until) {
    cooling.put(
        new Key(
            target.provider().name(),
            numberOf(target, used),
            allModels ? ALL_MODELS : target.upstreamModel()),
        until);
  }

  private Instant readyAt(Target target, int number) {
    Instant all = cooling.getIfPresent(new Key(target.provider().name(), number, ALL_MODELS));
    Instant model =
        cooling.getIfPresent(new Key(target.provider().name(), number, target.upstreamModel()));
    Instant none = Instant.MIN;
    Instant first = all == null ? none : all;
    Instant second = model == null ? none : model;
    return first.isAfter(second) ? first : second;
  }

  private static Target with(Target target, int number) {
    return number == 0 ? target : target.with(target.provider().spares().get(number - 1));
  }

  private static int numberOf(Target target, Target used) {
    return target.provider().spares().indexOf(used.provider()) + 1;
  }
}
