package dev.llmproxy.gate;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** Places in the memory of this server. */
final class MemoryPlaces implements Places {
  private final ConcurrentMap<String, Integer> taken = new ConcurrentHashMap<>();

  @Override
  public boolean enter(String account, long most, String requestId) {
    boolean[] entered = new boolean[1];
    taken.compute(
        account,
        (same, now) -> {
          int underWay = now == null ? 0 : now;
          entered[0] = underWay < most;
          return entered[0] ? Integer.valueOf(underWay + 1) : now;
        });
    return entered[0];
  }

  @Override
  public void leave(String account, String requestId) {
    taken.computeIfPresent(account, (same, now) -> now > 1 ? now - 1 : null);
  }

  @Override
  public long taken() {
    return taken.values().stream().mapToLong(Integer::longValue).sum();
  }
}
