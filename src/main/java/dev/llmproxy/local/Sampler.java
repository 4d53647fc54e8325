package dev.llmproxy.local;

import java.util.Arrays;
import java.util.Random;

/** Chooses the next token of one answer from the model's scores. */
final class Sampler {
  private final double temperature;
  private final double topP;
  private final Random random;

  Sampler(SamplingOptions options) {
    temperature = options.temperature();
    topP = options.topP();
    // The sequence of Random for a seed is part of its specification and does not change.
    random = options.seed() == null ? new Random() : new Random(options.seed());
  }

  int choose(float[] scores) {
    int best = mostLikely(scores);
    return temperature == 0 ? best : chooseAtRandom(scores, scores[best]);
  }

  private static int mostLikely(float[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    return best;
  }

  private int chooseAtRandom(float[] scores, float largest) {
    float[] likelihoods = new float[scores.length]; // relative to the most likely token
    double total = 0;
    for (int i = 0; i < scores.length; i++) {
      likelihoods[i] = Arithmetic.exp((float) ((scores[i] - largest) / temperature));
      total += likelihoods[i];
    }
    // Tokens that are too unlikely to be in top_p need no sorting.
    double negligible = total * (1 - topP) / scores.length;
    long[] candidates = new long[scores.length];
    int count = 0;
    for (int i = 0; i < scores.length; i++) {
      if (likelihoods[i] > 0 && likelihoods[i] >= negligible) {
        // Positive floats have the order of their bits; of equal ones, the lower id comes first.
        candidates[count++] = ((long) -Float.floatToIntBits(likelihoods[i]) << 32) | i;
      }
    }
    Arrays.sort(candidates, 0, count);

    double share = 0;
    int kept = 0;
    while (kept < count && share < topP * total) {
      share += likelihoods[(int) candidates[kept++]];
    }
    double rest = random.nextDouble() * share;
    for (int i = 0; i < kept; i++) {
      rest -= likelihoods[(int) candidates[i]];
      if (rest < 0) {
        return (int) candidates[i];
      }
    }
    return (int) candidates[kept - 1];
  }
}
