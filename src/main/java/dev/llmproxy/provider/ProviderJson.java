package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.http.AnswerMemory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;

/**
 * Parses the JSON of providers. It may contain {@code NaN} and {@code Infinity}, which are not JSON
 * but which Python's json module writes. They become null, and in a log probability OpenAI's value
 * for "very unlikely". Numbers keep their digits, as in {@link Json}.
 */
public final class ProviderJson {
  /** The most tokens of one text, because a value takes much more memory than its bytes. */
  private static final long MOST_TOKENS = 2_000_000;

  /** The memory of shorter texts is not counted. */
  private static final int LONG_CHARACTERS = 32 << 10;

  /** Bytes of memory for each byte of an incomplete text. */
  private static final int MEMORY_OF_BYTE = 3;

  private static final BigDecimal VERY_UNLIKELY = new BigDecimal("-9999.0");

  private static final ObjectReader STRICT = mapper(false).reader();
  private static final ObjectReader LENIENT = mapper(true).reader();
  private static final ObjectReader SEQUENCE =
      mapper(true)
          .reader()
          .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .forType(JsonNode.class);

  private ProviderJson() {}

  /**
   * Parses one value.
   *
   * @param memory the account that a long value is charged to
   * @throws JsonProcessingException when it is not JSON, or has too many tokens
   */
  public static JsonNode parse(String text, AnswerMemory.Share memory)
      throws JsonProcessingException {
    try {
      return read(STRICT, text, memory);
    } catch (JsonProcessingException e) {
      return finite(read(LENIENT, text, memory));
    }
  }

  /** Reads a sequence of values, with or without white space between them, as they arrive. */
  public static Values values(InputStream in, AnswerMemory.Share memory) throws IOException {
    InputStream counted = new CountedInput(in, memory, MEMORY_OF_BYTE);
    return new Values(
        SEQUENCE.readValues(
            new CountedParser(SEQUENCE.getFactory().createParser(counted), memory)));
  }

  /** Values from a stream of bytes. */
  public static final class Values {
    private final MappingIterator<JsonNode> values;

    private Values(MappingIterator<JsonNode> values) {
      this.values = values;
    }

    /**
     * Waits for the next value.
     *
     * @return null at the end
     * @throws JsonProcessingException when the input is not JSON
     */
    public JsonNode next() throws IOException {
      try {
        return values.hasNextValue() ? finite(values.nextValue()) : null;
      } catch (NumberFormatException e) {
        throw unreadable(e);
      }
    }
  }

  private static JsonMapper mapper(boolean lenient) {
    return JsonMapper.builder(Json.factory(MOST_TOKENS))
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
        .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
        .configure(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS.mappedFeature(), lenient)
        .build();
  }

  private static JsonNode finite(JsonNode node) {
    if (node instanceof ObjectNode object) {
      object
          .properties()
          .forEach(field ->
              field.setValue(
                  infinite(field.getValue()) && field.getKey().equals("logprob")
                      ? object.numberNode(VERY_UNLIKELY)
                      : finite(field.getValue())));
    } else if (node instanceof ArrayNode list) {
      for (int i = 0; i < list.size(); i++) {
        list.set(i, finite(list.get(i)));
      }
    }
    return infinite(node) ? NullNode.getInstance() : node;
  }

  private static boolean infinite(JsonNode node) {
    return node.isFloatingPointNumber()
        && !node.isBigDecimal()
        && !Double.isFinite(node.doubleValue());
  }

  private static JsonNode read(ObjectReader reader, String text, AnswerMemory.Share memory)
      throws JsonProcessingException {
    try {
      return text.length() < LONG_CHARACTERS
          ? reader.readTree(text)
          : reader.readTree(new CountedParser(reader.getFactory().createParser(text), memory));
    } catch (NumberFormatException e) {
      throw unreadable(e);
    } catch (JsonProcessingException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The exception for a number whose exponent is too large. */
  private static JsonParseException unreadable(NumberFormatException cause) {
    return new JsonParseException(null, "not readable", cause);
  }
}
