package dev.llmproxy.ledger;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/** The number of requests by time, in the classes of {@link UsageMeasures#LIMITS}. */
final class LatencyHistogram {
  private final long[] counts;

  /**
   * @param counts one more than there are limits; the last one is above the last limit
   */
  LatencyHistogram(long[] counts) {
    this.counts = counts.clone();
  }

  /**
   * About the time in ms within which a share of the requests ended, at most the last limit; empty
   * without requests. The times of a class count as evenly spread over it.
   *
   * @param share from 0 to 1
   */
  OptionalLong quantile(double share) {
    double wanted = share * Arrays.stream(counts).sum();
    if (wanted <= 0) {
      return OptionalLong.empty();
    }
    List<Integer> limits = UsageMeasures.LIMITS;
    long below = 0;
    int from = 0;
    for (int i = 0; i < limits.size(); i++) {
      if (below + counts[i] >= wanted) {
        return OptionalLong.of(
            Math.round(from + (limits.get(i) - from) * (wanted - below) / counts[i]));
      }
      below += counts[i];
      from = limits.get(i);
    }
    return OptionalLong.of(from);
  }
}
