package dev.llmproxy.local;

import dev.llmproxy.local.GgufFile.Tensor;
import dev.llmproxy.local.GgufFile.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A quantised weight matrix, transposed for speed. A packed word has several consecutive inputs of
 * one output. The words of all outputs are adjacent, so that the inner loops run over outputs.
 *
 * <p>All words are in one array, in the order of use, because the speed for a single token depends
 * on memory access. With one array for each row, the garbage collector scatters the rows, which
 * costs a third of the speed.
 *
 * <p>Weights come in blocks of 32 inputs. {@code Q4_1}: weight = part * scale + offset, parts of 4
 * bits. {@code Q8_0}: weight = part * scale, parts of 8 bits.
 */
final class PackedMatrix {
  private static final int BLOCK = 32; // inputs
  private static final int TILE = 4096; // outputs at a time, so that sums fit the first-level cache

  private final int inputs;
  private final int outputs;
  private final int bits; // of a part
  private final int[] words; // [input / parts in a word * outputs + output]
  private final float[][] scales; // [input / BLOCK][output]
  private final float[][] offsets; // the same; empty with Q8_0

  /** Combines the rows of tensors with the same row length (inputs) and type. */
  PackedMatrix(Tensor... tensors) throws IOException {
    Tensor first = tensors[0];
    bits = first.type() == TensorType.Q4_1 ? 4 : 8;
    inputs = first.rowLength();
    int rows = 0;
    for (Tensor tensor : tensors) {
      if (tensor.type() != first.type() || tensor.rowLength() != inputs) {
        throw new IOException("Only tensors of one type and row length can be stacked");
      }
      rows += tensor.rows();
    }
    outputs = rows;
    words = new int[inputs * bits / Integer.SIZE * outputs];
    scales = new float[inputs / BLOCK][outputs];
    offsets = bits == 4 ? new float[inputs / BLOCK][outputs] : new float[0][];
    int output = 0;
    for (Tensor tensor : tensors) {
      for (int row = 0; row < tensor.rows(); row++) {
        pack(tensor.data(), output++);
      }
    }
  }

  int outputs() {
    return outputs;
  }

  /**
   * Adds this matrix times {@code vectors[t]} to {@code sums[t]} for t = from … to − 1. The order
   * of each sum does not depend on the range.
   */
  void addProduct(float[][] vectors, float[][] sums, int from, int to) {
    float[] parts = new float[outputs];
    for (int start = 0; start < outputs; start += TILE) {
      int end = Math.min(start + TILE, outputs);
      for (int block = 0; block < scales.length; block++) {
        for (int t = from; t < to; t++) {
          addBlock(block, vectors[t], parts, sums[t], start, end);
        }
      }
    }
  }

  /** The unpacked weights of one output, for use of the matrix as the embedding table. */
  void copyRow(int output, float[] row) {
    int partsInWord = Integer.SIZE / bits;
    for (int input = 0; input < inputs; input++) {
      int word = words[input / partsInWord * outputs + output];
      int shift = input % partsInWord * bits;
      float scale = scales[input / BLOCK][output];
      row[input] =
          bits == 4
              ? ((word >>> shift) & 15) * scale + offsets[input / BLOCK][output]
              : (byte) (word >> shift) * scale;
    }
  }

  private void addBlock(
      int block, float[] vector, float[] parts, float[] sums, int start, int end) {
    int input = block * BLOCK;
    if (bits == 4) {
      for (int i = input; i < input + BLOCK; i += 8) {
        Arithmetic.addProductsOf4Bits(parts, words, i / 8 * outputs, vector, i, start, end);
      }
      float total = 0;
      for (int i = input; i < input + BLOCK; i++) {
        total += vector[i];
      }
      Arithmetic.addScaled(sums, parts, scales[block], offsets[block], total, start, end);
    } else {
      for (int i = input; i < input + BLOCK; i += 4) {
        Arithmetic.addProductsOf8Bits(parts, words, i / 4 * outputs, vector, i, start, end);
      }
      Arithmetic.addScaled(sums, parts, scales[block], start, end);
    }
  }

  /** Reads one row of blocks from {@code data}, in the layout of ggml's {@code ggml-common.h}. */
  private void pack(ByteBuffer data, int output) {
    for (int block = 0; block < scales.length; block++) {
      scales[block][output] = Float.float16ToFloat(data.getShort());
      if (bits == 4) {
        offsets[block][output] = Float.float16ToFloat(data.getShort());
        for (int i = 0; i < BLOCK / 2; i++) { // a byte has inputs i and i + 16
          byte pair = data.get();
          setPart(block * BLOCK + i, output, pair & 15);
          setPart(block * BLOCK + i + BLOCK / 2, output, (pair >> 4) & 15);
        }
      } else {
        for (int i = 0; i < BLOCK; i++) {
          setPart(block * BLOCK + i, output, data.get() & 255);
        }
      }
    }
  }

  private void setPart(int input, int output, int part) {
    int partsInWord = Integer.SIZE / bits;
    words[input / partsInWord * outputs + output] |= part << (input % partsInWord * bits);
  }
}
