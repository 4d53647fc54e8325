package dev.llmproxy.local;

/**
 * Rotary position embedding: rotates each pair of adjacent values by an angle that depends on the
 * position.
 */
final class Rotation {
  private final int headWidth;
  private final float[][] cosines; // [position][pair]
  private final float[][] sines;

  /**
   * @param base the base of the angles: pair i of position p is rotated by p / base^(2 i /
   *     headWidth)
   */
  Rotation(int headWidth, float base, int positions) {
    this.headWidth = headWidth;
    int pairs = headWidth / 2;
    cosines = new float[positions][pairs];
    sines = new float[positions][pairs];
    for (int pair = 0; pair < pairs; pair++) {
      double speed = StrictMath.pow(base, -2.0 * pair / headWidth);
      for (int position = 0; position < positions; position++) {
        cosines[position][pair] = (float) StrictMath.cos(position * speed);
        sines[position][pair] = (float) StrictMath.sin(position * speed);
      }
    }
  }

  /** Rotates the first {@code heads} heads in {@code row}. */
  void apply(float[] row, int heads, int position) {
    float[] cosine = cosines[position];
    float[] sine = sines[position];
    for (int start = 0; start < heads * headWidth; start += headWidth) {
      for (int pair = 0; pair < cosine.length; pair++) {
        int i = start + 2 * pair;
        float x = row[i];
        float y = row[i + 1];
        row[i] = x * cosine[pair] - y * sine[pair];
        row[i + 1] = x * sine[pair] + y * cosine[pair];
      }
    }
  }
}
