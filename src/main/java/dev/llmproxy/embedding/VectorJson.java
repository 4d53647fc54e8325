package dev.llmproxy.embedding;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.POJONode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;

/**
 * The two forms of a vector in JSON: an array of numbers, and base64 of its IEEE-754 float32 values
 * in little-endian order.
 */
public final class VectorJson {
  private static final int FIRST_LENGTH = 256;

  private VectorJson() {}

  /** Converts a vector to the requested form. */
  public static JsonNode of(float[] vector, boolean base64) {
    return base64 ? base64(vector) : numbers(vector);
  }

  /**
   * Converts a vector of either form, or a result of {@link #read}, to the requested form. Numbers
   * keep their digits when numbers are requested.
   *
   * @throws IllegalArgumentException when the value is not a vector
   */
  static JsonNode encoded(JsonNode vector, boolean base64) {
    if (vector.isPojo()) {
      return vector;
    }
    float[] floats = floats(vector);
    return vector.isArray() && !base64 ? vector : of(floats, base64);
  }

  /**
   * Reads an array of numbers in the requested form; numbers keep their digits. An invalid vector
   * becomes a value that {@link #encoded} refuses.
   *
   * @param parser stands at the start of the array; afterwards at its end
   */
  public static JsonNode read(JsonParser parser, boolean base64) throws IOException {
    float[] floats = new float[base64 ? FIRST_LENGTH : 0];
    StringBuilder digits = new StringBuilder(base64 ? "" : "[");
    int length = 0;
    boolean numbers = true;
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      if (!token.isNumeric() || !Float.isFinite(parser.getFloatValue())) {
        numbers = false;
        parser.skipChildren();
      } else if (base64) {
        floats = length == floats.length ? Arrays.copyOf(floats, length * 2) : floats;
        floats[length] = parser.getFloatValue();
      } else {
        digits.append(length == 0 ? "" : ",");
        digits.append(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
      }
      length++;
    }
    if (!numbers) {
      return Json.array().addNull();
    }
    if (length == 0) {
      return Json.array();
    }
    return base64
        ? base64(Arrays.copyOf(floats, length))
        : new POJONode(new RawValue(digits.append(']').toString()));
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
