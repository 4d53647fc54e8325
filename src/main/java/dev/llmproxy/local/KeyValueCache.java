package dev.llmproxy.local;

import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values of all layers for the tokens read so far, and the ids of these tokens.
 *
 * <p>Memory grows by pages of {@value #PAGE} positions, 12 MB each with our model. Not thread-safe.
 */
final class KeyValueCache {
  /** Positions in a page; a multiple of four, the step of {@link Arithmetic#addProducts}. */
  static final int PAGE = 256;

  private final int layers;
  private final int width;
  private final int[] tokens;
  private int length;

  // By page, with layouts in which the inner loops read along a row.
  private final List<float[][][]> keys = new ArrayList<>(); // [layer][value][position]
  private final List<float[][][]> values = new ArrayList<>(); // [layer][position][value]

  /**
   * @param width the numbers in a key, and in a value, of one position
   * @param capacity the most positions
   */
  KeyValueCache(int layers, int width, int capacity) {
    this.layers = layers;
    this.width = width;
    this.tokens = new int[capacity];
  }

  /** The number of cached tokens. */
  int length() {
    return length;
  }

  /** The number of tokens at the start of {@code prompt} that are cached. */
  int commonPrefix(int[] prompt) {
    int common = 0;
    while (common < Math.min(length, prompt.length) && tokens[common] == prompt[common]) {
      common++;
    }
    return common;
  }

  /** Removes all but the first {@code kept} tokens. */
  void truncate(int kept) {
    length = Math.min(length, kept);
  }

  /** Allocates memory for the positions before {@code end}. */
  void reserve(int end) {
    while (keys.size() * PAGE < end) {
      keys.add(new float[layers][width][PAGE]);
      values.add(new float[layers][PAGE][width]);
    }
  }

  /** Keys of a page and layer: [value][position in the page]. */
  float[][] keys(int page, int layer) {
    return keys.get(page)[layer];
  }

  /** Values of a page and layer: [position in the page][value]. */
  float[][] values(int page, int layer) {
    return values.get(page)[layer];
  }

  /** Adds a token. Its keys and values must already be stored in all layers. */
  void append(int token) {
    tokens[length++] = token;
  }
}
