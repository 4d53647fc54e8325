package dev.llmproxy.local;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a GGUF file, version 3: the metadata in the constructor, the tensors on request. See the <a
 * href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">specification</a>.
 *
 * <p>Trusts the file: the caller has verified its checksum.
 */
final class GgufFile {
  private static final int MAGIC = 0x46554747; // "GGUF", little-endian
  private static final int VERSION = 3;
  private static final int HEADER_LIMIT = 4 << 20; // bytes; the header of our model has 1.8 million
  private static final int ALIGNMENT = 32; // bytes; the default, which our model uses

  private final FileChannel channel;
  private final Map<String, Object> metadata = new HashMap<>();
  private final Map<String, TensorEntry> tensors = new HashMap<>();
  private final long dataStart;

  /** The type, shape and place of a tensor. The row length is the number of consecutive values. */
  private record TensorEntry(int rowLength, int rows, TensorType type, long offset) {}

  /** The contents of a tensor: {@code rows} rows of {@code rowLength} values in {@code data}. */
  record Tensor(int rowLength, int rows, TensorType type, ByteBuffer data) {}

  /** The encodings in our model. A block has 32 values; a block of {@code F32} has one. */
  enum TensorType {
    F32(0, 1, 4),
    Q4_1(3, 32, 20),
    Q8_0(8, 32, 34);

    private final int code;
    private final int blockLength; // values
    private final int blockSize; // bytes

    TensorType(int code, int blockLength, int blockSize) {
      this.code = code;
      this.blockLength = blockLength;
      this.blockSize = blockSize;
    }

    static TensorType of(int code) throws IOException {
      for (TensorType type : values()) {
        if (type.code == code) {
          return type;
        }
      }
      throw new IOException("Unsupported GGUF tensor type " + code);
    }
  }

  /**
   * @param channel must be open while tensors are read
   */
  GgufFile(FileChannel channel) throws IOException {
    this.channel = channel;
    ByteBuffer header = read(0, (int) Math.min(HEADER_LIMIT, channel.size()));
    if (header.getInt() != MAGIC || header.getInt() != VERSION) {
      throw new IOException("Not a GGUF file of version " + VERSION);
    }
    long tensorCount = header.getLong();
    long metadataCount = header.getLong();
    for (long i = 0; i < metadataCount; i++) {
      metadata.put(readString(header), readValue(header, header.getInt()));
    }
    for (long i = 0; i < tensorCount; i++) {
      tensors.put(readString(header), readEntry(header));
    }
    dataStart = Math.ceilDiv((long) header.position(), ALIGNMENT) * ALIGNMENT;
  }

  int integer(String key) {
    return ((Number) metadata.get(key)).intValue();
  }

  float decimal(String key) {
    return ((Number) metadata.get(key)).floatValue();
  }

  List<String> strings(String key) {
    return ((List<?>) metadata.get(key)).stream().map(String.class::cast).toList();
  }

  int[] integers(String key) {
    return ((List<?>) metadata.get(key))
        .stream().mapToInt(value -> ((Number) value).intValue()).toArray();
  }

  Tensor tensor(String name) throws IOException {
    TensorEntry entry = tensors.get(name);
    TensorType type = entry.type();
    int size = entry.rowLength() / type.blockLength * type.blockSize * entry.rows();
    ByteBuffer data = read(dataStart + entry.offset(), size);
    return new Tensor(entry.rowLength(), entry.rows(), type, data);
  }

  /** The values of an F32 tensor. */
  float[] floats(String name) throws IOException {
    Tensor tensor = tensor(name);
    if (tensor.type() != TensorType.F32) {
      throw new IOException(name + " is not an F32 tensor");
    }
    float[] values = new float[tensor.rowLength() * tensor.rows()];
    tensor.data().asFloatBuffer().get(values);
    return values;
  }

  private ByteBuffer read(long position, int size) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new EOFException("The GGUF file ends too early");
      }
    }
    return buffer.flip();
  }

  private static TensorEntry readEntry(ByteBuffer header) throws IOException {
    int dimensions = header.getInt();
    int rowLength = (int) header.getLong();
    int rows = 1;
    for (int i = 1; i < dimensions; i++) {
      rows *= (int) header.getLong();
    }
    return new TensorEntry(rowLength, rows, TensorType.of(header.getInt()), header.getLong());
  }

  private static Object readValue(ByteBuffer header, int type) throws IOException {
    return switch (type) {
      case 0, 1 -> header.get();
      case 2, 3 -> header.getShort();
      case 4, 5 -> header.getInt();
      case 6 -> header.getFloat();
      case 7 -> header.get() != 0;
      case 8 -> readString(header);
      case 9 -> readArray(header);
      case 10, 11 -> header.getLong();
      case 12 -> header.getDouble();
      default -> throw new IOException("Unsupported GGUF value type " + type);
    };
  }

  private static List<Object> readArray(ByteBuffer header) throws IOException {
    int type = header.getInt();
    int length = (int) header.getLong();
    List<Object> values = new ArrayList<>(length);
    for (int i = 0; i < length; i++) {
      values.add(readValue(header, type));
    }
    return values;
  }

  private static String readString(ByteBuffer header) {
    byte[] bytes = new byte[(int) header.getLong()];
    header.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
