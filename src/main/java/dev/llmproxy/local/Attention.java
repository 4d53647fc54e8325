package dev.llmproxy.local;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Grouped-query attention of one token over all positions up to its own. Not thread-safe. */
final class Attention {
  private static final int PAGE = KeyValueCache.PAGE;
  private static final int STEP = 4; // of Arithmetic.addProducts

  private final int heads;
  private final int group; // query heads that share a key and value head
  private final int headWidth;
  private final float scale;
  private final List<float[]> weights = new ArrayList<>(); // by page, then position
  private final float[] query;
  private final float[] sums; // as wide as a value in the cache, so that both share an index

  Attention(int heads, int keyValueHeads, int headWidth) {
    this.heads = heads;
    this.group = heads / keyValueHeads;
    this.headWidth = headWidth;
    this.scale = (float) (1 / Math.sqrt(headWidth));
    this.query = new float[headWidth];
    this.sums = new float[keyValueHeads * headWidth];
  }

  /**
   * @param queries the token's rotated queries, head by head
   * @param position the token's position; the cache has the keys and values up to it
   * @param result receives the weighted mean of the values for each head
   */
  void attend(float[] queries, KeyValueCache cache, int layer, int position, float[] result) {
    int count = position + 1;
    while (weights.size() * PAGE < count) {
      weights.add(new float[PAGE]);
    }
    for (int head = 0; head < heads; head++) {
      int firstValue = head / group * headWidth;
      for (int i = 0; i < headWidth; i++) {
        query[i] = queries[head * headWidth + i] * scale;
      }
      compare(cache, layer, count, firstValue);
      softmax(count);
      collect(cache, layer, count, firstValue);
      System.arraycopy(sums, firstValue, result, head * headWidth, headWidth);
    }
  }

  /** Weight of a position: its key times the query. */
  private void compare(KeyValueCache cache, int layer, int count, int firstValue) {
    for (int page = 0; page * PAGE < count; page++) {
      float[][] keys = cache.keys(page, layer);
      float[] pageWeights = weights.get(page);
      Arrays.fill(pageWeights, 0);
      int end = Math.min(PAGE, count - page * PAGE);
      for (int i = 0; i < headWidth; i += STEP) {
        Arithmetic.addProducts(pageWeights, keys, firstValue + i, query, i, 0, end);
      }
    }
  }

  private void softmax(int count) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int page = 0; page * PAGE < count; page++) {
      float[] pageWeights = weights.get(page);
      int end = Math.min(PAGE, count - page * PAGE);
      for (int i = 0; i < end; i++) {
        largest = Math.max(largest, pageWeights[i]);
      }
    }
    float total = 0;
    for (int page = 0; page * PAGE < count; page++) {
      float[] pageWeights = weights.get(page);
      int end = Math.min(PAGE, count - page * PAGE);
      for (int i = 0; i < end; i++) {
        pageWeights[i] = Arithmetic.exp(pageWeights[i] - largest);
        total += pageWeights[i];
      }
    }
    float factor = 1 / total;
    for (int page = 0; page * PAGE < count; page++) {
      float[] pageWeights = weights.get(page);
      for (int i = 0; i < PAGE; i++) {
        pageWeights[i] *= factor;
      }
    }
  }

  /**
   * The weighted sum of the values. Takes four positions at a time; positions after the last have
   * weight 0.
   */
  private void collect(KeyValueCache cache, int layer, int count, int firstValue) {
    Arrays.fill(sums, firstValue, firstValue + headWidth, 0);
    for (int page = 0; page * PAGE < count; page++) {
      float[][] values = cache.values(page, layer);
      int end = Math.min(PAGE, count - page * PAGE);
      for (int i = 0; i < end; i += STEP) {
        Arithmetic.addProducts(
            sums, values, i, weights.get(page), i, firstValue, firstValue + headWidth);
      }
    }
  }
}
