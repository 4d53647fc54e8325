package dev.llmproxy.local;

/**
 * The inner loops of the model, and functions that give the same bits on every machine.
 *
 * <p>The HotSpot compiler turns these loops into vector instructions. It does so only if all float
 * arrays are read with the loop's index (else it must assume that they overlap) and only if the
 * body is short: with twice as many products it does not. The speed then falls from 20–35 thousand
 * million products a second (one core, AVX-512) to 3. Measure the speed after every change.
 */
final class Arithmetic {
  private static final float LOG2_E = 1.442695f;
  private static final float LN2_HIGH =
      355f / 512; // ln 2 with few bits, so that n * LN2_HIGH is exact
  private static final float LN2_LOW = -2.1219444e-4f;
  private static final float SMALLEST_EXPONENT = -87f; // e^-87 is about the smallest normal float
  private static final float LARGEST_EXPONENT = 88f;

  private Arithmetic() {}

  /** {@code sums[i] += rows[row + k][i] * factors[factor + k]}, k = 0 … 3, i = from … to − 1. */
  static void addProducts(
      float[] sums, float[][] rows, int row, float[] factors, int factor, int from, int to) {
    float[] r0 = rows[row];
    float[] r1 = rows[row + 1];
    float[] r2 = rows[row + 2];
    float[] r3 = rows[row + 3];
    float f0 = factors[factor];
    float f1 = factors[factor + 1];
    float f2 = factors[factor + 2];
    float f3 = factors[factor + 3];
    for (int i = from; i < to; i++) {
      sums[i] += r0[i] * f0 + r1[i] * f1 + r2[i] * f2 + r3[i] * f3;
    }
  }

  /**
   * As above, for integers of 4 bits (0 … 15), eight in a word, the lowest first: {@code sums[i] +=
   * words[i].part(k) * factors[factor + k]}.
   */
  static void addProductsOf4Bits(
      float[] sums, int[] words, int word, float[] factors, int factor, int from, int to) {
    float f0 = factors[factor];
    float f1 = factors[factor + 1];
    float f2 = factors[factor + 2];
    float f3 = factors[factor + 3];
    float f4 = factors[factor + 4];
    float f5 = factors[factor + 5];
    float f6 = factors[factor + 6];
    float f7 = factors[factor + 7];
    for (int i = from; i < to; i++) {
      int parts = words[word + i];
      sums[i] +=
          (parts & 15) * f0
              + ((parts >>> 4) & 15) * f1
              + ((parts >>> 8) & 15) * f2
              + ((parts >>> 12) & 15) * f3
              + ((parts >>> 16) & 15) * f4
              + ((parts >>> 20) & 15) * f5
              + ((parts >>> 24) & 15) * f6
              + (parts >>> 28) * f7;
    }
  }

  /** As above, for signed integers of 8 bits (−128 … 127), four in a word. */
  static void addProductsOf8Bits(
      float[] sums, int[] words, int word, float[] factors, int factor, int from, int to) {
    float f0 = factors[factor];
    float f1 = factors[factor + 1];
    float f2 = factors[factor + 2];
    float f3 = factors[factor + 3];
    for (int i = from; i < to; i++) {
      int parts = words[word + i];
      sums[i] +=
          (parts << 24 >> 24) * f0
              + (parts << 16 >> 24) * f1
              + (parts << 8 >> 24) * f2
              + (parts >> 24) * f3;
    }
  }

  /** {@code sums[i] += parts[i] * scales[i] + offsets[i] * factor}; clears the parts. */
  static void addScaled(
      float[] sums,
      float[] parts,
      float[] scales,
      float[] offsets,
      float factor,
      int from,
      int to) {
    for (int i = from; i < to; i++) {
      sums[i] += parts[i] * scales[i] + offsets[i] * factor;
      parts[i] = 0;
    }
  }

  /** {@code sums[i] += parts[i] * scales[i]}; clears the parts. */
  static void addScaled(float[] sums, float[] parts, float[] scales, int from, int to) {
    for (int i = from; i < to; i++) {
      sums[i] += parts[i] * scales[i];
      parts[i] = 0;
    }
  }

  /** {@code gate[i] = silu(gate[i]) * gate[half + i]} over the first half of {@code gate}. */
  static void gate(float[] gate) {
    int half = gate.length / 2;
    for (int i = 0; i < half; i++) {
      gate[i] = gate[i] / (1 + exp(-gate[i])) * gate[half + i];
    }
  }

  /**
   * e^x to within two units in the last place, limited to 0 and a large number at the ends. Five
   * times as fast as {@link StrictMath#exp}, and also reproducible, because Java's basic operations
   * are exact.
   */
  static float exp(float x) {
    if (x < SMALLEST_EXPONENT) {
      return 0;
    }
    float bounded = Math.min(x, LARGEST_EXPONENT);
    int power = (int) (bounded * LOG2_E + (bounded < 0 ? -0.5f : 0.5f));
    float rest = bounded - power * LN2_HIGH - power * LN2_LOW;
    // Cephes' polynomial for e^rest, |rest| <= ln(2) / 2.
    float sum = 1.9875691e-4f;
    sum = sum * rest + 1.3981999e-3f;
    sum = sum * rest + 8.333452e-3f;
    sum = sum * rest + 4.1665796e-2f;
    sum = sum * rest + 0.16666666f;
    sum = sum * rest + 0.5f;
    sum = sum * rest * rest + rest + 1;
    return sum * Float.intBitsToFloat((power + 127) << 23);
  }
}
