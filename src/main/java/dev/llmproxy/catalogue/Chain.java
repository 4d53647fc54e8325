package dev.llmproxy.catalogue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * The targets of one name of a model. When a target fails before its first content, the next one is
 * asked.
 *
 * @param targets at least one
 * @param weights the share of the requests that each target gets first, at least 0; empty when all
 *     requests go to the targets in their order
 * @param longContext the targets for a request that is too long for a target's model; may be empty
 * @param otherPolicy the targets for a request that a target refuses because of its content; may be
 *     empty
 */
public record Chain(
    List<Target> targets,
    List<Integer> weights,
    List<Target> longContext,
    List<Target> otherPolicy) {
  public Chain {
    targets = List.copyOf(targets);
    weights = List.copyOf(weights);
    longContext = List.copyOf(longContext);
    otherPolicy = List.copyOf(otherPolicy);
    if (targets.isEmpty() || (!weights.isEmpty() && weights.size() != targets.size())) {
      throw new IllegalArgumentException("a chain needs a target, and a weight for each or none");
    }
  }

  /** The chain of a single target. */
  public static Chain of(Target target) {
    return new Chain(List.of(target), List.of(), List.of(), List.of());
  }

  /** The first target. */
  public Target first() {
    return targets.getFirst();
  }

  /**
   * The targets in the order for one request. With weights, the order is drawn: each place goes to
   * one of the targets that are left, with a probability in proportion to its weight. Targets with
   * the weight 0 come last, in their order.
   */
  public List<Target> order(RandomGenerator random) {
    if (weights.isEmpty()) {
      return targets;
    }
    // Of exponential times with these rates, each is the first with this probability.
    double[] times =
        weights.stream()
            .mapToDouble(weight ->
                weight == 0 ? Double.POSITIVE_INFINITY : random.nextExponential() / weight)
            .toArray();
    Integer[] order = IntStream.range(0, times.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingDouble(i -> times[i]));
    return Arrays.stream(order).map(targets::get).toList();
  }
}
