package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.Json;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;

/**
 * The two forms of a vector in JSON: an array of numbers, and base64 of its IEEE-754 float32 values
 * in little-endian order.
 */
public final class VectorJson {
  private VectorJson() {}

  /** The vector in the asked form. */
  public static JsonNode of(float[] vector, boolean base64) {
    return base64 ? base64(vector) : numbers(vector);
  }

  /**
   * A vector of either form in the asked form; numbers stay as they are when numbers are asked for.
   *
   * @throws IllegalArgumentException when it is no vector
   */
  static JsonNode encoded(JsonNode vector, boolean base64) {
    float[] floats = floats(vector);
    return vector.isArray() && !base64 ? vector : of(floats, base64);
  }

  private static JsonNode numbers(float[] vector) {
    ArrayNode array = Json.array();
    for (float value : vector) {
      array.add(value);
    }
    return array;
  }

  private static JsonNode base64(float[] vector) {
    ByteBuffer bytes =
        ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return TextNode.valueOf(Base64.getEncoder().encodeToString(bytes.array()));
  }

  private static float[] floats(JsonNode vector) {
    float[] floats;
    if (vector.isTextual()) {
      byte[] bytes = Base64.getDecoder().decode(vector.textValue());
      if (bytes.length % Float.BYTES != 0) {
        throw new IllegalArgumentException("its base64 holds no float32 values.");
      }
      floats = new float[bytes.length / Float.BYTES];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
    } else {
      floats = new float[vector.size()];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = vector.path(i).isNumber() ? vector.get(i).floatValue() : Float.NaN;
      }
    }
    if (floats.length == 0) {
      throw new IllegalArgumentException("it is empty.");
    }
    for (float value : floats) {
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException("it holds what is no number.");
      }
    }
    return floats;
  }
}
