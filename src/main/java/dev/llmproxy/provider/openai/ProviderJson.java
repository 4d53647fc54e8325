package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
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
import dev.llmproxy.provider.CountedInput;
import dev.llmproxy.provider.CountedParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;

/**
 * JSON as providers write it: also with {@code NaN} and {@code Infinity}, which JSON does not have
 * and Python's json module writes. Clients get null for them, and for a log probability OpenAI's
 * word for "very unlikely". Numbers keep their digits, as in {@link Json}.
 */
final class ProviderJson {
  /** A value costs far more memory than it has bytes. */
  private static final long MOST_TOKENS = 2_000_000;

  /** The memory of shorter ones is not counted. */
  private static final int LONG_CHARACTERS = 32 << 10;

  /** Of a text that has not ended yet. */
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
   * @param memory what a long one takes is counted in it
   * @throws JsonProcessingException when it is none, or has too many parts
   */
  static JsonNode parse(String text, AnswerMemory.Share memory) throws JsonProcessingException {
    try {
      return read(STRICT, text, memory);
    } catch (JsonProcessingException e) {
      return finite(read(LENIENT, text, memory));
    }
  }

  /** Values one after the other, with or without white space between them, as they come. */
  static Values values(InputStream in, AnswerMemory.Share memory) throws IOException {
    InputStream counted = new CountedInput(in, memory, MEMORY_OF_BYTE);
    return new Values(
        SEQUENCE.readValues(
            new CountedParser(SEQUENCE.getFactory().createParser(counted), memory)));
  }

  /** Values from a stream of bytes. */
  static final class Values {
    private final MappingIterator<JsonNode> values;

    private Values(MappingIterator<JsonNode> values) {
      this.values = values;
    }

    /**
     * Waits for the next value.
     *
     * @return null at the end
     * @throws JsonProcessingException when what comes is no JSON
     */
    JsonNode next() throws IOException {
      try {
        return values.hasNextValue() ? finite(values.nextValue()) : null;
      } catch (NumberFormatException e) {
        throw unreadable(e);
      }
    }
  }

  private static JsonMapper mapper(boolean lenient) {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxTokenCount(MOST_TOKENS)
                    .build())
            .build();
    return JsonMapper.builder(factory)
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

  /** Exponents that no number here can have are no JSON either. */
  private static JsonParseException unreadable(NumberFormatException cause) {
    return new JsonParseException(null, "not readable", cause);
  }
}
