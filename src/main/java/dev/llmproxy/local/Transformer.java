package dev.llmproxy.local;

import java.io.IOException;
import java.util.Arrays;

/**
 * The forward pass of a Llama model: from token ids to a score for each possible next token.
 *
 * <p>Not thread-safe. The tokens of a batch are distributed over {@link Workers}.
 */
final class Transformer {
  private final int width; // of a token's state, also called embedding length
  private final int heads;
  private final int keyValueHeads; // each is shared by heads / keyValueHeads query heads
  private final int headWidth;
  private final Layer[] layers;
  private final Normalisation outputNorm;
  private final PackedMatrix embedding; // also used to compute scores from the last state
  private final Rotation rotation;
  private final Workers workers;
  private final int contextLength;

  private final int batch; // the most tokens at a time
  private final float[][] states; // [token of the batch][…], like the four below
  private final float[][] normed;
  private final float[][] queriesKeysValues;
  private final float[][] attended;
  private final float[][] gated;

  private record Layer(
      Normalisation attentionNorm,
      PackedMatrix queriesKeysValues,
      PackedMatrix attentionOutput,
      Normalisation feedForwardNorm,
      PackedMatrix gateUp,
      PackedMatrix down) {}

  /**
   * @param contextLength the most tokens in a conversation
   */
  Transformer(GgufFile file, int contextLength, Workers workers) throws IOException {
    this.workers = workers;
    this.contextLength = contextLength;
    width = file.integer("llama.embedding_length");
    heads = file.integer("llama.attention.head_count");
    keyValueHeads = file.integer("llama.attention.head_count_kv");
    headWidth = width / heads;
    layers = new Layer[file.integer("llama.block_count")];
    for (int i = 0; i < layers.length; i++) {
      layers[i] = readLayer(file, "blk." + i + ".");
    }
    outputNorm = readNormalisation(file, "output_norm");
    embedding = new PackedMatrix(file.tensor("token_embd.weight"));
    rotation = new Rotation(headWidth, file.decimal("llama.rope.freq_base"), contextLength);

    batch = 32 * workers.count();
    states = new float[batch][width];
    normed = new float[batch][width];
    queriesKeysValues = new float[batch][layers[0].queriesKeysValues().outputs()];
    attended = new float[batch][width];
    gated = new float[batch][layers[0].gateUp().outputs()];
  }

  private static Layer readLayer(GgufFile file, String prefix) throws IOException {
    return new Layer(
        readNormalisation(file, prefix + "attn_norm"),
        new PackedMatrix(
            file.tensor(prefix + "attn_q.weight"),
            file.tensor(prefix + "attn_k.weight"),
            file.tensor(prefix + "attn_v.weight")),
        new PackedMatrix(file.tensor(prefix + "attn_output.weight")),
        readNormalisation(file, prefix + "ffn_norm"),
        new PackedMatrix(
            file.tensor(prefix + "ffn_gate.weight"), file.tensor(prefix + "ffn_up.weight")),
        new PackedMatrix(file.tensor(prefix + "ffn_down.weight")));
  }

  private static Normalisation readNormalisation(GgufFile file, String name) throws IOException {
    float epsilon = file.decimal("llama.attention.layer_norm_rms_epsilon");
    return new Normalisation(file.floats(name + ".weight"), epsilon);
  }

  /** An empty cache that fits this model. */
  KeyValueCache newCache() {
    return new KeyValueCache(layers.length, keyValueHeads * headWidth, contextLength);
  }

  /** The most tokens for one call of {@link #advance}. */
  int batch() {
    return batch;
  }

  /**
   * Reads {@code tokens[from … to − 1]} after the tokens in the cache, and adds them to it. A
   * single token takes about 13 ms, and each token of a batch 4–8 ms; the time grows with the
   * conversation.
   *
   * @return the state after the last token, for {@link #scores}; overwritten by the next call
   */
  float[] advance(int[] tokens, int from, int to, KeyValueCache cache) {
    int count = to - from;
    cache.reserve(cache.length() + count);
    for (int t = 0; t < count; t++) {
      embedding.copyRow(tokens[from + t], states[t]);
    }
    for (int layer = 0; layer < layers.length; layer++) {
      int index = layer;
      // Attention needs all keys and values of the batch.
      workers.forSlices(count, (start, end) -> remember(index, cache, start, end));
      workers.forSlices(count, (start, end) -> transform(index, cache, start, end));
    }
    for (int t = from; t < to; t++) {
      cache.append(tokens[t]);
    }
    return states[count - 1];
  }

  /** The score (logit) of each possible next token after {@code state}. */
  float[] scores(float[] state) {
    float[] last = new float[width];
    outputNorm.apply(state, last);
    float[] scores = new float[embedding.outputs()];
    embedding.addProduct(new float[][] {last}, new float[][] {scores}, 0, 1);
    return scores;
  }

  /** Computes queries, keys and values of the tokens start … end − 1 and stores the latter two. */
  private void remember(int index, KeyValueCache cache, int start, int end) {
    Layer layer = layers[index];
    for (int t = start; t < end; t++) {
      layer.attentionNorm().apply(states[t], normed[t]);
      Arrays.fill(queriesKeysValues[t], 0);
    }
    layer.queriesKeysValues().addProduct(normed, queriesKeysValues, start, end);
    int keyValueWidth = keyValueHeads * headWidth;
    for (int t = start; t < end; t++) {
      int position = cache.length() + t;
      float[] row = queriesKeysValues[t];
      rotation.apply(row, heads + keyValueHeads, position);
      float[][] keys = cache.keys(position / KeyValueCache.PAGE, index);
      float[][] values = cache.values(position / KeyValueCache.PAGE, index);
      int slot = position % KeyValueCache.PAGE;
      for (int i = 0; i < keyValueWidth; i++) {
        keys[i][slot] = row[width + i];
      }
      System.arraycopy(row, width + keyValueWidth, values[slot], 0, keyValueWidth);
    }
  }

  /** Computes the rest of a layer for the tokens start … end − 1. */
  private void transform(int index, KeyValueCache cache, int start, int end) {
    Layer layer = layers[index];
    Attention attention = new Attention(heads, keyValueHeads, headWidth);
    for (int t = start; t < end; t++) {
      attention.attend(queriesKeysValues[t], cache, index, cache.length() + t, attended[t]);
    }
    layer.attentionOutput().addProduct(attended, states, start, end);
    for (int t = start; t < end; t++) {
      layer.feedForwardNorm().apply(states[t], normed[t]);
      Arrays.fill(gated[t], 0);
    }
    layer.gateUp().addProduct(normed, gated, start, end);
    for (int t = start; t < end; t++) {
      Arithmetic.gate(gated[t]);
    }
    layer.down().addProduct(gated, states, start, end);
  }
}
