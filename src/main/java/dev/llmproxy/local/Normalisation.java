package dev.llmproxy.local;

/** Root-mean-square normalisation with learned weights. */
final class Normalisation {
  private final float[] weights;
  private final float epsilon; // keeps the quotient finite

  Normalisation(float[] weights, float epsilon) {
    this.weights = weights;
    this.epsilon = epsilon;
  }

  /** {@code target = source / rms(source) * weights}. */
  void apply(float[] source, float[] target) {
    float squares = 0;
    for (float value : source) {
      squares += value * value;
    }
    float scale = (float) (1 / Math.sqrt(squares / source.length + epsilon));
    for (int i = 0; i < source.length; i++) {
      target[i] = source[i] * scale * weights[i];
    }
  }
}
